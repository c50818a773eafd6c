"""How wide a text is on Home Assistant's pages, in the font that these have.

The widths are those of Roboto, which the frontend brings, without kerning; the tour of
`scripts/e2e` compares them with what the browser draws.
"""

_UNITS_PER_EM = 2048
_BY_WIDTH = {
    357: "'",
    402: ",",
    433: ";",
    489: "j",
    496: ":",
    497: "il",
    499: "|",
    506: "îï",
    507: " ",
    527: "!",
    539: ".",
    543: "[]",
    557: "IÎÏ",
    565: "-",
    655: '"',
    669: "t",
    693: "r{}",
    700: "(",
    711: "f",
    712: ")",
    751: "²³",
    840: "\\",
    844: "/",
    856: "^",
    882: "*",
    924: "_",
    967: "?",
    969: "y",
    992: "v",
    1015: "xz",
    1038: "k",
    1041: "<",
    1056: "s",
    1070: ">",
    1072: "cç",
    1085: "eèéêë",
    1102: "L",
    1114: "aàâäå",
    1124: "=",
    1128: "h",
    1129: "uùûü",
    1130: "Jn",
    1132: "F",
    1149: "bgp",
    1150: "$0123456789",
    1155: "d",
    1160: "ø",
    1161: "+",
    1164: "EqÈÉÊË",
    1168: "oôö",
    1215: "S",
    1218: "ß",
    1222: "T",
    1226: "Z",
    1230: "Y",
    1261: "#R",
    1273: "&",
    1275: "B",
    1284: "KX",
    1292: "P",
    1303: "V",
    1328: "UÙÛÜ",
    1333: "CÇ",
    1336: "AÀÂÄÅ",
    1343: "D",
    1370: "…",
    1393: "~",
    1395: "G",
    1408: "OQÔÖØ",
    1460: "HN",
    1500: "%",
    1539: "w",
    1729: "æ",
    1788: "M",
    1795: "m",
    1817: "W",
    1839: "@",
    1860: "œ",
    1914: "Æ",
    1953: "Œ",
}
_WIDTHS = {
    character: width
    for width, characters in _BY_WIDTH.items()
    for character in characters
}


def width(text: str, size: float = 14) -> float:
    """Return the width of a text in px. Raises KeyError for a character of no name."""
    return sum(_WIDTHS[character] for character in text) * size / _UNITS_PER_EM


def cut_off(text: str, room: float) -> str:
    """Return what a page shows of a text that has `room` px."""
    if width(text) <= room:
        return text
    while width(f"{text}…") > room:
        text = text[:-1]
    return f"{text}…"
