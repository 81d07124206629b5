"""MessagePack as p2pmsg-protocol(7) has it: pack() writes the shortest encodings with
ascending keys, unpack() refuses everything the profile refuses."""

MAX_DEPTH = 4
MAX_ARRAY = 1024
MAX_MAP = 64


class Raw(bytes):
    """Bytes that pack() copies as they are, to build what it would never write."""


class Bad(Exception):
    pass


def head(n, fix, *wide):
    """A length or count: fix is (first byte, limit), wide (byte, width) ascending."""
    if fix and n < fix[1]:
        return bytes([fix[0] | n])
    for first, width in wide:
        if n < 1 << 8 * width:
            return bytes([first]) + n.to_bytes(width, "big")
    raise Bad(f"{n} does not fit")


def pack_uint(n):
    return head(n, (0, 128), (0xCC, 1), (0xCD, 2), (0xCE, 4), (0xCF, 8))


def pack(value):
    if isinstance(value, Raw):
        return bytes(value)
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return pack_uint(value)
    if isinstance(value, (bytes, bytearray)):
        return head(len(value), None, (0xC4, 1), (0xC5, 2), (0xC6, 4)) + bytes(value)
    if isinstance(value, str):
        utf8 = value.encode()
        return head(len(utf8), (0xA0, 32), (0xD9, 1), (0xDA, 2), (0xDB, 4)) + utf8
    if isinstance(value, (list, tuple)):
        start = head(len(value), (0x90, 16), (0xDC, 2), (0xDD, 4))
        return start + b"".join(pack(v) for v in value)
    start = head(len(value), (0x80, 16), (0xDE, 2), (0xDF, 4))
    return start + b"".join(pack(k) + pack(value[k]) for k in sorted(value))


class Reader:
    def __init__(self, data):
        self.data, self.at = bytes(data), 0

    def take(self, n):
        if n > len(self.data) - self.at:
            raise Bad("more than there is")
        self.at += n
        return self.data[self.at - n : self.at]

    def number(self, width, least):
        n = int.from_bytes(self.take(width), "big")
        if n < least:
            raise Bad("not the shortest encoding")
        return n

    def negative(self, width):
        n = int.from_bytes(self.take(width), "big", signed=True)
        if n >= (-32 if width == 1 else -1 << 4 * width - 1):
            raise Bad("not the shortest encoding")
        return n

    def count(self, n, limit, each):
        if n > limit or n * each > len(self.data) - self.at:
            raise Bad("too many elements")
        return n

    def value(self, depth=0):
        b = self.take(1)[0]
        if b < 0x80:
            return b
        if 0xCC <= b <= 0xCF:
            width = 1 << b - 0xCC
            return self.number(width, 128 if width == 1 else 1 << 4 * width)
        if b >= 0xE0:
            return b - 256
        if 0xD0 <= b <= 0xD3:
            return self.negative(1 << b - 0xD0)
        if b in (0xC2, 0xC3):
            return b == 0xC3
        if b == 0xC0:
            return None
        if 0xC4 <= b <= 0xC6:
            return self.take(self.number(*((1, 0), (2, 1 << 8), (4, 1 << 16))[b - 0xC4]))
        if 0xA0 <= b < 0xC0:
            return self.text(b & 31)
        if 0xD9 <= b <= 0xDB:
            return self.text(self.number(*((1, 32), (2, 1 << 8), (4, 1 << 16))[b - 0xD9]))
        if depth == MAX_DEPTH:
            raise Bad("too deep, or a type that is not allowed")
        if 0x90 <= b < 0xA0 or b in (0xDC, 0xDD):
            n = b & 15 if b < 0xA0 else self.number(*((2, 16), (4, 1 << 16))[b - 0xDC])
            return [self.value(depth + 1) for _ in range(self.count(n, MAX_ARRAY, 1))]
        if 0x80 <= b < 0x90 or b in (0xDE, 0xDF):
            n = b & 15 if b < 0x90 else self.number(*((2, 16), (4, 1 << 16))[b - 0xDE])
            return self.map(self.count(n, MAX_MAP, 2), depth + 1)
        raise Bad(f"type byte {b:02x}")

    def text(self, n):
        try:
            text = self.take(n).decode()
        except UnicodeDecodeError as e:
            raise Bad("not UTF-8") from e
        if "\0" in text:
            raise Bad("NUL")
        return text

    def map(self, n, depth):
        out, last = {}, -1
        for _ in range(n):
            key = self.value(depth)
            if type(key) is not int or key <= last:
                raise Bad("keys do not ascend")
            out[key], last = self.value(depth), key
        return out


def no_nil(value):
    if value is None:
        raise Bad("nil inside")
    for inner in value if isinstance(value, list) else \
            value.values() if isinstance(value, dict) else ():
        no_nil(inner)


def unpack_map(data):
    """One map and nothing else: the payload of the handshake."""
    reader = Reader(data)
    value = reader.value()
    no_nil(value)
    if type(value) is not dict or reader.at != len(reader.data):
        raise Bad("not one map")
    return value


def unpack(data, is_ctrl):
    """The objects of a record, as (type, id, body)."""
    reader, out = Reader(data), []
    while reader.at < len(reader.data) or not out:
        value = reader.value()
        if type(value) is not list or len(value) != 3:
            raise Bad("not an array of three")
        kind, id_, body = value
        no_nil(body)
        if type(kind) is not int or type(body) is not dict:
            raise Bad("type or body")
        if id_ is not None if is_ctrl else type(id_) is not bytes or len(id_) != 16:
            raise Bad("id")
        out.append((kind, id_, body))
    if is_ctrl and len(out) != 1:
        raise Bad("more than one object")
    return out
