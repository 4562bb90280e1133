"""Small whole layouts of every data set, made in memory, and ways to damage one file of them."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

FASHIONAI = {"skirt_length": 6, "sleeve_length": 9, "coat_length": 8, "pant_length": 6, "collar_design": 5}
FASHIONAI |= {"lapel_design": 5, "neckline_design": 10, "neck_design": 5}
DARN = (
    "clothes category",
    "clothes button",
    "clothes color",
    "clothes length",
    "clothes pattern",
    "clothes shape",
)
DARN = dict(
    zip(
        (*DARN, "collar shape", "sleeve length", "sleeve shape"),
        (20, 13, 55, 7, 28, 11, 26, 8, 17),
        strict=True,
    )
)
DEEPFASHION = dict(
    zip(("texture", "fabric", "shape", "part", "style"), (156, 218, 180, 216, 230), strict=True)
)
DEEPFASHION = {f"{name}-related": count for name, count in DEEPFASHION.items()}
FOLDERS = ("50025145", "50048628", "50025233")  # DARN's categories 0, 1, 2


def jpeg(seed: int, side: int = 24) -> bytes:
    """A JPEG of smooth random blobs: two seeds give pictures that look different."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    memory = io.BytesIO()
    Image.fromarray(small).resize((side, side)).save(memory, "JPEG", quality=90)
    return memory.getvalue()


def lines(rows, end="\n", last=True) -> bytes:
    text = end.join(rows)
    return (text + end * last).encode()


def meta() -> bytes:
    sets = {"FashionAI": FASHIONAI, "DARN": DARN, "DeepFashion": DEEPFASHION}
    content = {key: {"ATTRIBUTES": list(counts), "ATTRIBUTES_NUM": counts} for key, counts in sets.items()}
    return json.dumps(content, indent="\t").replace("\n", "\r\n").encode()


def asen(
    name: str, path: Callable[[int, int], str], row: Callable[[int], tuple[int, int]], end="\n"
) -> dict[str, bytes]:
    """The eight lists: 12 images per split; the last 3 of valid and test are queries. Each value has two of train."""
    files = {"meta.json": meta()}
    number = 0
    for split in ("train", "valid", "test"):
        rows = [row(i) for i in range(12)]
        names = [path(number + i, rows[i][0]) for i in range(12)]
        files[f"{name}/filenames_{split}.txt"] = lines(names, end, last=name != "DARN" or split == "train")
        rows = [f"{i} {attribute} {value}" for i, (attribute, value) in enumerate(rows)]
        if split == "train":
            files[f"{name}/label_train.txt"] = lines(rows, end)
        else:
            files[f"{name}/candidate_{split}.txt"], files[f"{name}/query_{split}.txt"] = (
                lines(part, end) for part in (rows[:9], rows[9:])
            )
        files |= {f"{name}/{path}": jpeg(number + i) for i, path in enumerate(names)}
        number += 12
    return files


def fashionai_lists() -> dict[str, bytes]:
    names = list(FASHIONAI)

    def path(number: int, attribute: int) -> str:
        return (
            f"fashionAI_attributes_train{1 + number % 2}/Images/{names[attribute]}_labels/{number:032x}.jpg"
        )

    return asen("FashionAI", path, lambda i: (i % 3, i % 3), "\r\n")


def darn_lists() -> dict[str, bytes]:
    return asen(
        "DARN",
        lambda n, a: f"pic/{FOLDERS[n % 3]}/{60 * (n // 3)}_{n + 1:02d}_1.jpg",
        lambda i: ((i % 3), i % 3),
    )


def deepfashion_lists() -> dict[str, bytes]:
    items = ("Acme_A-Line_Dress", "Caf&eacute;_Tank", "Take_That,_Jeans")
    files = asen("DeepFashion", lambda n, a: f"img/{items[n % 3]}/img_{n:08d}.jpg", lambda i: (i % 3, i % 3))
    for split in ("valid", "test"):
        rows = [f"{i}\t{1 + i % 3}\t{i}" + "\t" * 28 for i in range(12)]
        files[f"DeepFashion/label_{split}.txt"] = lines(rows, "\r\n")
    return files


def fashionai_raw() -> dict[str, bytes]:
    files = {}
    for part, start in (("fashionAI_attributes_train1", 0), ("fashionAI_attributes_train2", 50)):
        rows = []
        for i, (name, count) in enumerate(list(FASHIONAI.items()) * 2):
            path = f"Images/{name}_labels/{start + i:032x}.jpg"
            rows.append(f"{path},{name}_labels,{'n' * (i % count)}y{'n' * (count - 1 - i % count)}")
            files[f"{part}/{path}"] = jpeg(start + i)
        files[f"{part}/Annotations/label.csv"] = lines(rows)
    question = "Images/skirt_length_labels/ab.jpg"
    return files | {
        f"rank/{question}": jpeg(99),
        "rank/Tests/question.csv": lines([f"{question},skirt_length_labels,?"]),
    }


def darn_addresses() -> dict[str, bytes]:
    names = [f"pic/{FOLDERS[i % 3]}/{60 * i}_{i + 1:02d}_1.jpg" for i in range(6)]
    rows = [f"{name} http://img.example.com/i/{i}.jpg" for i, name in enumerate(names)]
    return {"darn_url.txt": lines(rows)} | {name: jpeg(i) for i, name in enumerate(names)}


def deepfashion_benchmark() -> dict[str, bytes]:
    names = [f"img/Acme_{i % 2}_Dress/img_{i:08d}.jpg" for i in range(6)]
    kinds = (
        ("a-line", 3),
        ("abstract", 1),
        ("abstract chevron", 1),
        ("arrow collar", 4),
        ("acid", 2),
        ("americana", 5),
    )
    flags = [" ".join("1" if j == i else "-1" if j < 4 else " 0" for j in range(6)) for i in range(6)]
    parts = ("train", "train", "train", "val", "test", "test")

    def listing(header: str, rows: list[str]) -> bytes:
        return lines([str(len(rows)), header, *rows])

    files = {
        "Anno/list_attr_cloth.txt": listing(
            "attribute_name  attribute_type", [f"{name:<29}{kind}" for name, kind in kinds]
        ),
        "Anno/list_attr_img.txt": listing(
            "image_name  attribute_labels",
            [f"{name:<70} {flag}" for name, flag in zip(names, flags, strict=True)],
        ),
        "Anno/list_category_cloth.txt": listing(
            "category_name  category_type", ["Anorak         1", "Dress          3"]
        ),
        "Anno/list_category_img.txt": listing(
            "image_name  category_label", [f"{name:<70} {i + 1}" for i, name in enumerate(names)]
        ),
        "Anno/list_bbox.txt": listing(
            "image_name  x_1  y_1  x_2  y_2",
            [f"{name:<70} 072 {i:03d} 232 273" for i, name in enumerate(names)],
        ),
        "Anno/list_landmarks.txt": listing(
            "image_name  clothes_type",
            [f"{name:<70} 1 0 010 005 1 030 {i:03d}" for i, name in enumerate(names)],
        ),
        "Eval/list_eval_partition.txt": listing(
            "image_name  evaluation_status",
            [f"{name:<70} {part}" for name, part in zip(names, parts, strict=True)],
        ),
        "Anno_fine/val.txt": lines(names[:3]),
        "Anno_fine/val_attr.txt": lines([" ".join("01"[(i + j) % 2] for j in range(26)) for i in range(3)]),
        "Anno_fine/val_cate.txt": lines(["6", "9", "5"]),
        "Anno_fine/val_bbox.txt": lines(["72 0 232 273", "73 8 233 273", "74 16 234 273"]),
    }
    return files | {f"Img/{name}": jpeg(i) for i, name in enumerate(names)}


def adde(prefix: str = "img/Acme_Dress/") -> dict[str, bytes]:
    train, test = ([f"{prefix}{split}_{i:04d}.jpg" for i in range(6)] for split in ("train", "test"))
    labels = [
        "1 0 0 1 0 1 0",
        "1 0 0 0 1 1 0",
        "0 1 0 0 1 0 1",
        "0 1 0 1 0 0 1",
        "0 0 1 1 0 0 1",
        "0 0 1 0 1 0 1",
    ]
    files = {
        "attr_num.txt": lines("322"),
        "imgs_train.txt": lines(train),
        "imgs_test.txt": lines(test),
        "labels_train.txt": lines(labels),
        "labels_test.txt": lines(labels),
        "triplet_train.txt": lines(["0 1 4", "1 0 2", "2 3 5"]),
        "triplet_train_ind.txt": lines(["0 0 0 -1 1 0 0", "0 0 0 1 -1 0 0", "0 0 0 1 -1 0 0"]),
        "ref_test.txt": lines("014"),
        "indfull_test.txt": lines(["0 0 0 -1 1 0 0", "0 0 0 1 -1 0 0", "0 0 0 -1 1 0 0"]),
        "gt_test.txt": lines(["1 0 0 0 1 1 0", "1 0 0 1 0 1 0", "0 0 1 0 1 0 1"]),
    }
    return files | {name: jpeg(i) for i, name in enumerate((*train, *test))}


def zappos() -> dict[str, bytes]:
    kinds = ("Shoes/Oxfords/Acme Shoes", "Boots/Ankle/M.A.R.K", "Sandals/Flat/Nobody", "Slippers/Boot/Acme")
    names = [f"{kinds[i % 4]}/90000{i}.7{i}.jpg" for i in range(8)]
    rows = [
        f"90000{i}-7{i},{kinds[i % 4].split('/')[0]},{kinds[i % 4].split('/')[1]},Flat,,Zipper,Men,,"
        for i in range(8)
    ]
    header = "CID,Category,SubCategory,HeelHeight,Insole,Closure,Gender,Material,ToeStyle"
    files = {"filenames.json": lines(names), "meta-data.csv": lines([header, *rows])}
    for condition in ("class", "closure", "gender", "heel"):
        for part in ("train", "val", "test"):
            files[f"tripletlists/{condition}_tripletlist_{part}.txt"] = lines(["0 2 1", "1 4 0", "6 4 7"])
    return files | {f"ut-zap50k-images/{name}": jpeg(i) for i, name in enumerate(names)}


def own_long() -> dict[str, bytes]:
    rows, files = [], {}
    for i in range(16):
        split = "train" if i < 8 else "valid" if i < 12 else "test"
        role = "train" if i < 8 else ("candidate", "candidate", "query", "query")[i % 4]
        rows.append(f"coats/{i:02d}.jpg,{split},{role},neck,{('round', 'v')[i % 2]}")
        files[f"coats/{i:02d}.jpg"] = jpeg(i)
    schema = [{"name": "neck", "values": ["round", "v"]}]
    return files | {
        "labels.csv": lines(["image,split,role,attribute,value", *rows]),
        "schema.json": json.dumps(schema).encode() + b"\n",
    }


def own_wide() -> dict[str, bytes]:
    rows = [f"{i:02d}.jpg,{('long', 'short')[i % 2]},{('round', 'v')[i // 4 % 2]}" for i in range(16)]
    return {"labels.csv": lines(["file,sleeve_length,neck", *rows])} | {
        f"{i:02d}.jpg": jpeg(i) for i in range(16)
    }


LAYOUTS = {
    "fashionai lists": ("fashionai", fashionai_lists()),
    "fashionai raw": ("fashionai", fashionai_raw()),
    "darn lists": ("darn", darn_lists()),
    "darn addresses": ("darn", darn_addresses()),
    "deepfashion lists": ("deepfashion", deepfashion_lists()),
    "deepfashion benchmark": ("deepfashion", deepfashion_benchmark()),
    "adde": ("deepfashion_adde", adde()),
    "shopping100k": ("shopping100k", adde("Female/9_Jeans/")),
    "zappos": ("zappos50k", zappos()),
    "own long": ("coats", own_long()),
    "own wide": ("coats", own_wide()),
}


def write(layout: str, folder: Path) -> Path:
    for name, content in LAYOUTS[layout][1].items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def by_lines(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[bytes], bytes]:
    return lambda content: b"".join(change(content.splitlines(keepends=True)))


def in_line(change: Callable[[bytes], bytes], number: int = -2) -> Callable[[bytes], bytes]:
    """Change the text of one line; the last but one is a row in every list of more than two lines."""

    def changed(rows: list[bytes]) -> list[bytes]:
        place = number if len(rows) >= abs(number) else -1
        text = rows[place].rstrip(b"\r\n")
        return [*rows[:place], change(text) + rows[place][len(text) :], *rows[place:][1:]]

    return by_lines(changed)


def swapped(text: bytes) -> bytes:
    separator = next((s for s in (b",", b"\t", b" ") if s in text), None)
    if separator is None:
        return text
    first, second, *rest = text.split(None if separator == b" " else separator)
    return separator.join([second, first, *rest])


def digits(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Change the last cell of a line if it is a number, or the last letters."""

    def changed(text: bytes) -> bytes:
        stripped = text.rstrip()
        cut = max(stripped.rfind(s) for s in (b" ", b",", b"\t")) + 1
        return stripped[:cut] + change(stripped[cut:]) + text[len(stripped) :]

    return changed


def in_effect(layout: str, name: str, damage: str) -> bool:
    """Whether a damage makes another file, and not one that means the same or is as good as the first.

    No check can know that two numbers of a box, or two columns of labels or triplets that no checksum is published
    for, were exchanged in one line; that a free text is another; or that a picture is unlabelled by mistake.
    """
    content = LAYOUTS[layout][1][name]
    changed = DAMAGES[damage](content)
    if name.endswith(".json") and content[:1] in b"[{":
        try:
            return json.loads(content) != json.loads(changed)
        except ValueError:
            return True
    cells = ("a cell more", "a word for a number") + tuple(key for key in DAMAGES if key.endswith(" number"))
    as_good = {
        "val_bbox.txt": ("swapped columns",),
        "val_attr.txt": ("swapped columns",),
        "meta-data.csv": cells,
        # `new-data` and spreadsheets write the mark, and the course's loader takes it.
        "labels.csv": ("byte order mark",) + (("a cell missing",) if layout == "own wide" else ()),
    }
    file = name.rpartition("/")[2]
    if file.startswith("list_") and damage in ("two spaces", "a space before the line"):
        return False  # these rows are padded with spaces
    exchanged = "_tripletlist_" in file and damage == "swapped columns"
    return changed != content and damage not in as_good.get(file, ()) and not exchanged


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 13735100\n"
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut in half": lambda content: content[: len(content) // 2],
    "last line gone": by_lines(lambda rows: rows[:-1]),
    "first line gone": by_lines(lambda rows: rows[1:]),
    "zero bytes": lambda content: b"",
    "binary": lambda content: bytes(range(256)) * 4,
    "a picture": lambda content: jpeg(1),
    "a web page": lambda content: b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n",
    "an LFS pointer": lambda content: POINTER,
    "a ZIP file": lambda content: b"PK\x03\x04" + content,
    "byte order mark": lambda content: b"\xef\xbb\xbf" + content,
    "UTF-16": lambda content: content.decode().encode("utf-16"),
    "other line ends": lambda c: c.replace(b"\r\n", b"\n") if b"\r\n" in c else c.replace(b"\n", b"\r\n"),
    "one other line end": in_line(lambda text: text + b"\r", 0),
    "old Mac line ends": lambda content: content.replace(b"\r\n", b"\n").replace(b"\n", b"\r"),
    "other final newline": lambda c: c.rstrip(b"\r\n") if c.endswith(b"\n") else c + b"\n",
    "trailing blanks": in_line(lambda text: text + b"  "),
    "two spaces": in_line(lambda text: text.replace(b" ", b"  ", 1)),
    "a space before the line": in_line(lambda text: b" " + text),
    "a line separator of Unicode": in_line(lambda text: text.replace(b" ", b"\xe2\x80\xa8", 1)),
    "tab between cells": in_line(lambda text: text.replace(b" ", b"\t", 1)),
    "an empty line": by_lines(lambda rows: [*rows[:-1], b"\n", *rows[-1:]]),
    "an empty line at the end": lambda content: content + b"\n\n",
    "a doubled line": by_lines(lambda rows: [*rows, rows[-1]]),
    "swapped columns": in_line(swapped),
    "a negative number": in_line(digits(lambda cell: b"-7")),
    "a large number": in_line(digits(lambda cell: b"123456")),
    "a huge number": in_line(digits(lambda cell: b"9" * 5000)),
    "a word for a number": in_line(digits(lambda cell: b"nought")),
    "a decimal number": in_line(digits(lambda cell: b"1.5")),
    "a cell missing": in_line(digits(lambda cell: b"")),
    "a cell more": in_line(lambda text: text + b" 3"),
    "bytes of Latin-1": in_line(lambda text: b"\xe9\xe8" + text),
    "a zero byte late": in_line(lambda text: text + b"\x00"),
    "conflict marks of git": by_lines(
        lambda rows: [b"<<<<<<< HEAD\n", *rows, b"=======\n", b">>>>>>> other\n"]
    ),
}
