"""WeChat looks at what residents write and send: after it is accepted, before it is shown in public."""
