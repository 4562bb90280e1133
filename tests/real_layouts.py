"""Folders of tiny pictures in the layouts of the real data sets, with the traps of the released files.

Names and labels are invented; separators, padding, line ends and spellings are those of the real files.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from zlib import crc32

import numpy as np
from PIL import Image

FASHIONAI_SIZES = {"skirt_length": 6, "sleeve_length": 9, "coat_length": 8, "pant_length": 6, "collar_design": 5,
                   "lapel_design": 5, "neckline_design": 10, "neck_design": 5}  # fmt: skip
DARN_SIZES = {"clothes category": 20, "clothes button": 13, "clothes color": 55, "clothes length": 7,
              "clothes pattern": 28, "clothes shape": 11, "collar shape": 26, "sleeve length": 8,
              "sleeve shape": 17}  # fmt: skip
DEEPFASHION_SIZES = {"texture-related": 156, "fabric-related": 218, "shape-related": 180, "part-related": 216,
                     "style-related": 230}  # fmt: skip
SIZES = {"FashionAI": FASHIONAI_SIZES, "DARN": DARN_SIZES, "DeepFashion": DEEPFASHION_SIZES}
ITEMS = ("Acme_Abstract_Tee", "Caf&eacute;_Print_Tank", "Take_That,_Acid_Wash_Jeans", "A.C.M.E._Americana_Hoodie",
         "Nobody's_Arrow_Collar_Blouse")  # fmt: skip
SHOPS = ("50025145", "50048628", "52318008")  # DARN's categories 0, 1 and 19
SHOES = ("Shoes/Oxfords/Acme Shoes", "Shoes/Boat Shoes/Levi's&#174;", "Boots/Ankle/M.A.R.K", "Sandals/Flat/Nobody",
         "Slippers/Slipper Flats/Nobody")  # fmt: skip
ENDS = {"": "\n", "DARN": "\n", "FashionAI": "\r\n", "DeepFashion": "\n"}


def picture(path: Path, seed: int) -> Path:
    """A colourful picture of 12 x 15 pixels, another one for each seed; JPEG or PNG bytes by the name's ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (15, 12, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, format="PNG" if path.suffix == ".png" else "JPEG")
    return path


def write(path: Path, lines: Sequence[str], end: str = "\n", last: bool = True) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((end.join(lines) + (end if last else "")).encode())
    return path


def numbers(rows) -> list[str]:
    return [" ".join(map(str, row)) for row in rows]


def path_of(dataset: str, number: int, split: str) -> str:
    """The path of a picture in the lists; FashionAI's train1 and train2 share their paths below the top folder."""
    start = {"train": 0, "valid": 1000, "test": 2000}[split]
    if dataset == "FashionAI":
        attribute = list(FASHIONAI_SIZES)[number % 8]
        return f"fashionAI_attributes_train{number % 2 + 1}/Images/{attribute}_labels/{start + number // 2:032x}.jpg"
    if dataset == "DARN":
        return f"pic/{SHOPS[number % 3]}/{60 * (number % 100)}_{number % 60 + 1:02d}_{start + number}.jpg"
    return f"img/{ITEMS[number % 5]}/img_{start + number:08d}.jpg"


def asen_lists(
    folder: Path, dataset: str, *, train: int = 120, evaluated: int = 60, end: str | None = None, pictures: bool = True
) -> SimpleNamespace:
    """ASEN's lists of a data set in `folder`, meta.json above it, and their pictures below it.

    Attribute = number % attributes, value = 0, 1 or 2 in turn. DARN's and DeepFashion's training rows hold a second
    pair; DeepFashion's of the same attribute. The last two rows of DeepFashion's filenames_valid are one path.

    Returns:
        filenames: split -> paths; rows: (split, role) -> list of (image, attribute, value).
    """
    names, end = list(SIZES[dataset]), ENDS[dataset] if end is None else end
    filenames = {
        split: [path_of(dataset, i, split) for i in range(count)]
        for split, count in (("train", train), ("valid", evaluated), ("test", evaluated))
    }
    if dataset == "DeepFashion":
        filenames["valid"][-1] = filenames["valid"][-2]

    def label(number: int) -> tuple[int, int]:
        return number % len(names), number // len(names) % 3

    rows, listed = {("train", "train"): []}, []
    for i in range(train):
        pairs = [label(i)]
        if dataset == "DARN" and i % 3 == 0:
            pairs.append(((pairs[0][0] + 1) % len(names), 0))
        if dataset == "DeepFashion" and i % 3 == 0:
            pairs.append((pairs[0][0], (pairs[0][1] + 1) % 3))
        rows["train", "train"] += [(i, *pair) for pair in pairs]
        listed.append((i, *(cell for pair in pairs for cell in pair)))
    for split in ("valid", "test"):
        every = [(i, *label(i)) for i in range(evaluated)]
        if dataset == "FashionAI":  # a random fifth, in random order
            chosen = np.random.default_rng(len(split)).permutation(evaluated)[: evaluated // 5]
            rows[split, "query"] = [every[i] for i in chosen]
            rows[split, "candidate"] = [row for row in every if row[0] not in set(chosen.tolist())]
        else:
            rows[split, "query"], rows[split, "candidate"] = every[4 * evaluated // 5 :], every[: 4 * evaluated // 5]
    for split, paths in filenames.items():
        write(folder / f"filenames_{split}.txt", paths, end, last=not (dataset == "DARN" and split != "train"))
    write(folder / "label_train.txt", numbers(listed), end)
    for (split, role), of in list(rows.items())[1:]:
        write(folder / f"{role}_{split}.txt", numbers(of), end)
    if dataset == "DeepFashion":  # another format, read by nobody: tabs, type from 1, and a row padded by tabs
        for split in ("valid", "test"):
            lines = [f"{i}\t{i % 5 + 1}\t{i}" + "\t" * 30 for i in range(evaluated)]
            write(folder / f"label_{split}.txt", lines, "\r\n")
    meta = {name: {"ATTRIBUTES": list(sizes), "ATTRIBUTES_NUM": sizes} for name, sizes in SIZES.items()}
    write(folder.parent / "meta.json", json.dumps(meta, indent=1).split("\n"), "\r\n", last=False)
    if pictures:
        for seed, path in enumerate(dict.fromkeys(path for of in filenames.values() for path in of)):
            picture(folder / path, seed)
    return SimpleNamespace(folder=folder, filenames=filenames, rows=rows, names=names)


def expected_rows(made: SimpleNamespace, value: Callable[[int, int], str]) -> list[tuple[str, ...]]:
    """The label table that the lists mean, row by row."""
    return [
        (made.filenames[split][image], split, role, made.names[a], value(a, v))
        for (split, role), rows in made.rows.items()
        for image, a, v in rows
    ]


def fashionai_answers(attribute: str, value: int, maybe: bool = False) -> str:
    letters = ["n"] * FASHIONAI_SIZES[attribute]
    if maybe:
        letters[(value + 1) % len(letters)] = "m"
    letters[value] = "y"
    return "".join(letters)


def fashionai_archive(
    folder: Path, count: int, *, labels: str | None = "label.csv", start: int = 0, questions: bool = False, end="\n"
) -> list[tuple[str, str, int]]:
    """One archive of FashionAI: pictures, raw labels (one in seven with an `m`), and questions for a test archive.

    Returns:
        A row (path, attribute, value) per picture.
    """
    rows = []
    for i in range(count):
        attribute = list(FASHIONAI_SIZES)[i % 8]
        rows.append((f"Images/{attribute}_labels/{start + i:032x}.jpg", attribute, i // 8 % 3))
        picture(folder / rows[-1][0], crc32(f"{folder.name} {start + i}".encode()))
    if labels:
        lines = [f"{p},{a}_labels,{fashionai_answers(a, v, i % 7 == 0)}" for i, (p, a, v) in enumerate(rows)]
        write(folder / "Annotations" / labels, lines, end)
    if questions:
        write(folder / "Tests" / "question.csv", [f"{p},{a}_labels,?" for p, a, _ in rows], end)
    return rows


def deepfashion_lists(folder: Path, labels: dict[str, list[int]], names: Sequence[tuple[str, int]], anno="Anno"):
    """The benchmark's lists: picture -> attributes that it has, and the attributes' names with their types."""
    cloth = [f"{name:<29}{kind}" for name, kind in names]
    write(folder / anno / "list_attr_cloth.txt", [str(len(cloth)), "attribute_name  attribute_type", *cloth])
    rows = [f"{path:<70}" + "".join(f"{1 if i in held else -1:>3}" for i in range(len(names))) + " "
            for path, held in labels.items()]  # fmt: skip
    write(folder / anno / "list_attr_img.txt", [str(len(rows)), "image_name  attribute_labels", *rows])
    categories = ["Anorak         1", "Blouse         1", "Jeans          2", "Kaftan         3"]
    write(folder / anno / "list_category_cloth.txt", ["4", "category_name  category_type", *categories])
    rows = [f"{path:<70} {i % 4 + 1}" for i, path in enumerate(labels)]
    write(folder / anno / "list_category_img.txt", [str(len(rows)), "image_name  category_label", *rows])
    rows = [f"{path:<70} {('train', 'val', 'test')[i % 3]}" for i, path in enumerate(labels)]
    write(folder / "Eval" / "list_eval_partition.txt", [str(len(rows)), "image_name  evaluation_status", *rows])
    fine = ["26", "attribute_name attribute_type", *(f"fine{i} 1" for i in range(26))]
    write(folder / "Anno_fine" / "list_attr_cloth.txt", fine)


def adde_split(folder: Path, images: Sequence[str], test: Sequence[str], sizes=(3, 2, 2)) -> SimpleNamespace:
    """ADDE's released split: label vectors in turn, triplets and queries that change one attribute."""
    width, starts = sum(sizes), np.cumsum((0, *sizes))[:-1]

    def vector(number: int) -> list[int]:
        row = [0] * width
        for start, size, step in zip(starts, sizes, (1, 3, 6), strict=False):
            row[start + number // step % size] = 1
        return row

    labels = {"train": [vector(i) for i in range(len(images))], "test": [vector(i) for i in range(len(test))]}

    def changes(of, count):
        found = []
        for i, query in enumerate(of):
            for k, other in enumerate(of):
                change = [b - a for a, b in zip(query, other, strict=True)]
                if sum(map(abs, change)) == 2 and len(found) < count:
                    found.append((i, k, (k + 1) % len(of), change))
        return found

    train, asked = changes(labels["train"], 40), changes(labels["test"], 12)
    write(folder / "attr_num.txt", [str(size) for size in sizes])
    write(folder / "imgs_train.txt", images)
    write(folder / "imgs_test.txt", test)
    for split, rows in labels.items():
        write(folder / f"labels_{split}.txt", numbers(rows))
    write(folder / "triplet_train.txt", numbers(row[:3] for row in train))
    write(folder / "triplet_train_ind.txt", numbers(row[3] for row in train))
    write(folder / "ref_test.txt", [str(row[0]) for row in asked])
    write(folder / "indfull_test.txt", numbers(row[3] for row in asked))
    write(folder / "gt_test.txt", numbers(labels["test"][row[1]] for row in asked))
    return SimpleNamespace(labels=labels, train=train, asked=asked, width=width)


def zappos(folder: Path, *, square: bool = False, shoes: int = 100, lists: bool = True, meta: bool = True):
    """UT-Zap50K with CSN's lists; a brand with a last dot is spelled in three ways, another has an HTML entity."""
    names = [f"{SHOES[i % 5]}/{900000 + i}.{i % 90 + 10}.jpg" for i in range(shoes)]
    root = folder / ("ut-zap50k-images-square" if square else "ut-zap50k-images")
    for i, name in enumerate(names):
        spelled = name.replace("M.A.R.K/", "M.A.R.K%2E/" if square else "M.A.R.K./")
        picture(root / spelled, i)
    closures = ("Lace up", "Slip-On", "Zipper", "Hook and Loop;Lace up", "Bungee")
    if meta:
        rows = [
            f"{900000 + i}-{i % 90 + 10},{name.split('/')[0]},{name.split('/')[1]},{('Flat', 'Under 1in', '')[i % 3]},,"
            f"{closures[i % 4 + (i % 40 == 0)]},{('Men', 'Women', 'Boys;Girls')[i // 2 % 3]},,"
            for i, name in enumerate(names)
        ]
        header = "CID,Category,SubCategory,HeelHeight,Insole,Closure,Gender,Material,ToeStyle"
        write(folder / "meta-data.csv", [header, *rows], "\r\n")
    triplets = {}
    if lists:
        write(folder / "filenames.json", names)
        rng = np.random.default_rng(0)
        ranges = {"train": (0, 70), "val": (70, 80), "test": (80, 100)}
        for split, (first, last) in ranges.items():
            for condition in ("class", "closure", "gender", "heel"):
                rows = [rng.permutation(np.arange(first, last))[:3].tolist() for _ in range(50)]
                rows.append([first, first + 1, last - 1])
                triplets[split, condition] = rows
                write(folder / "tripletlists" / f"{condition}_tripletlist_{split}.txt", numbers(rows))
    return SimpleNamespace(names=names, triplets=triplets)
