"""What developing a photo comes to: a picture, or why there is none."""

from dataclasses import dataclass

from shared.terms import Term


class Fault(Term):
    EMPTY = "photo_empty", "文件是空的"
    TOO_LARGE = "photo_too_large", "照片超过大小限制,请压缩后再上传"
    HEIC = "photo_heic", "暂不支持 HEIC 格式,请在手机相机设置中改为“兼容性最佳”(JPEG),或截图后上传"
    NOT_A_PHOTO = "not_a_photo", "只支持 JPEG、PNG、WebP 格式的照片"
    TOO_MANY_PIXELS = "photo_too_many_pixels", "照片的像素过多,最多 5000 万像素"
    ANIMATED = "photo_animated", "不支持动图,请上传静态照片"
    FOREIGN = "photo_foreign_content", "文件中夹带了照片以外的内容,不能上传"
    DAMAGED = "photo_damaged", "照片不完整或已损坏,无法打开"


class Refused(Exception):  # noqa: N818 - a finding about the photo, not an error of ours
    """A photo is not taken; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Developed:
    """What is known of a picture that was made; `place` is (longitude, latitude), WGS-84, where the camera told."""

    width: int
    height: int
    size: int
    place: tuple[float, float] | None
