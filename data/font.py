"""Make the Chinese font of the course from larger ones: called by prepare.py.

fontTools comes with matplotlib; another version may write other bytes for the same outlines.
"""

from io import BytesIO
from pathlib import Path

from fontTools.merge import Merger
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.ttLib.scaleUpem import scale_upem

# By number, as the font tells them; the sources' own names are reserved for the sources.
NAMES = {
    0: "Copyright 2021-2023 LXGW; 2020 The Klee Project Authors; 2011 GlyphWiki Project",
    1: "Tang Kai",
    2: "Regular",
    4: "Tang Kai",
    5: "Version 1.0",
    6: "TangKai-Regular",
    13: "This Font Software is licensed under the SIL Open Font License, Version 1.1.",
    14: "https://openfontlicense.org",
}


def tang_kai(sources: list[Path], characters: set[str]) -> bytes:
    """Return a TrueType font of these characters, each from the first source that has it.

    Outlines alone are kept: no hints, no layout tables. Raises ValueError, which names them, if no
    source has some of the characters.
    """
    missing, parts = set(map(ord, characters)), []
    for source in sources:
        font = TTFont(source)
        found = missing & font.getBestCmap().keys()
        missing -= found
        parts.append(_part(font, found))
    if missing:
        raise ValueError(f"no source has the characters {''.join(map(chr, sorted(missing)))}")
    font = Merger().merge(parts)
    font.recalcTimestamp = False
    font["head"].created = font["head"].modified = 2_082_844_800  # 1970, whenever it is made
    font["name"].names = []
    for number, text in NAMES.items():
        font["name"].setName(text, number, 3, 1, 0x409)  # Windows, Unicode, English
    return _saved(font).getvalue()


def _part(font: TTFont, codes: set[int]) -> BytesIO:
    """Return a font with the outlines of these characters alone, 1,000 units an em."""
    options = Options(hinting=False, layout_features=[], glyph_names=False, notdef_outline=True)
    options.drop_tables += ["BASE", "FFTM", "GDEF", "GPOS", "GSUB", "VORG", "gasp", "vhea", "vmtx"]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=codes)
    subsetter.subset(font)
    scale_upem(font, 1000)
    return _saved(font)


def _saved(font: TTFont) -> BytesIO:
    """Return the file of a font."""
    font.flavor, file = None, BytesIO()
    font.save(file)
    return file
