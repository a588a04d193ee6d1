"""Models: made the same from the same texts, refused when they are not what was hashed, blind to a single person's words."""

import io
from dataclasses import replace

import numpy as np
import pytest

from services.routing.classification.classifier import BASE, BASE_HASH, Classifier, packaged
from services.routing.classification.model import ModelUnusable, digest, from_bytes
from services.routing.classification.texts import packaged_texts
from services.routing.classification.training import Sample, train
from services.routing.classification.words import packaged_words

SMALL = [Sample(t.text, t.code, writer) for writer, texts in packaged_texts() for t in texts[::12]]


@pytest.fixture(scope="module")
def model():
    return train(SMALL).model


def test_the_same_texts_give_the_same_bytes(model):
    raw = train(SMALL).model.to_bytes()
    assert raw == model.to_bytes()
    assert digest(raw) == model.sha256


def test_a_model_read_back_answers_alike(model):
    again = from_bytes(model.to_bytes(), model.sha256)
    for sample in SMALL[::20]:
        answers = [Classifier(packaged_words(), m).classify(sample.text) for m in (model, again)]
        assert answers[0] == answers[1]
        assert answers[0]


def test_the_packaged_model_is_small_and_knows_every_category():
    assert BASE.stat().st_size <= 3_000_000
    assert digest(BASE.read_bytes()) == BASE_HASH.read_text(encoding="ascii").strip()
    assert packaged().version == f"词表+模型 {BASE_HASH.read_text(encoding='ascii')[:8]}"


def test_what_is_not_the_model_that_was_hashed_is_refused(model):
    raw = bytearray(model.to_bytes())
    raw[len(raw) // 2] ^= 1
    with pytest.raises(ModelUnusable, match="校验值"):
        from_bytes(bytes(raw), model.sha256)


def file_with(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def test_code_in_a_model_is_never_run(model):
    pickled = file_with(codes=np.array([{"a": 1}], dtype=object))
    for raw in (pickled, b"", b"no zip at all", model.to_bytes()[:1000], file_with(codes=np.array(["0101"]))):
        with pytest.raises(ModelUnusable, match="无法读取"):
            from_bytes(raw, digest(raw))
    short = replace(model, codes=model.codes[:-1]).to_bytes()
    with pytest.raises(ModelUnusable, match="残缺"):
        from_bytes(short, digest(short))


def test_what_one_resident_alone_says_is_not_learned():
    mine = [Sample("龘靐齉爩家门口的路灯坏了", "0201", f"street-{n}", private=True) for n in range(2)]
    known = train([*SMALL, *mine]).model.grams
    assert not {"龘", "靐", "齉爩", "龘靐"} & known.keys()
    shared = Sample("龘靐也这么说", "0201", "street-1", private=True)
    known = train([*SMALL, *mine, shared]).model.grams
    assert {"龘", "龘靐"} <= known.keys()
    assert "齉爩" not in known
