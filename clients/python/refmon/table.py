"""The rows of the service table, and the encoding of their parameters.

table.json is generated from the daemon's table; docs/wire.md explains its
shapes. encode converts a Python value for JSON, and decode converts it back:
numbers are int, texts str (bytes that are not UTF-8 are escaped as by
surrogateescape), SIDs and GUIDs str, bytes bytes, structures Struct.
"""
import base64
import json
import os

with open(os.path.join(os.path.dirname(__file__), "table.json"), encoding="utf-8") as _f:
    _table = json.load(_f)

ROWS = _table["rows"]
STRUCTS = {name: {f[0]: f[1] for f in fields} for name, fields in _table["structs"].items()}
ANY = _table["any"]
VERSION = _table["version"]
STATUSES = {int(n): name for n, name in _table["statuses"].items()}
CONSTANTS = _table["constants"]

_RANGES = {
    "u8": (0, 2**8), "u16": (0, 2**16), "u32": (0, 2**32), "u64": (0, 2**64),
    "i32": (-(2**31), 2**31), "i64": (-(2**63), 2**63),
}


class Struct:
    """A structure. Its fields are attributes. Two are equal if all their fields are."""

    def __init__(self, **fields):
        self.__dict__.update(fields)

    def __repr__(self):
        return "Struct(%s)" % ", ".join("%s=%r" % item for item in self.__dict__.items())

    def __eq__(self, other):
        return isinstance(other, Struct) and self.__dict__ == other.__dict__

    __hash__ = None


class Why(Struct):
    """The reason of a failed call: Rule, Object, Because and, for an access check, Explanation. str gives one line."""

    def __str__(self):
        steps = (self.Explanation or {}).get("Steps") or []
        because = self.Because or "; ".join(s["Because"] for s in steps if s["Because"])
        return ": ".join(filter(None, (" ".join(filter(None, (self.Rule, self.Object))), because)))


class Any:
    """A value for a parameter of any type, such as Any("uint32", 1). refmon.table.ANY lists the types. ValueError: the
    type is not one of them."""

    def __init__(self, type, value):
        if type not in ANY:
            raise ValueError("no type %r: one of %s" % (type, ", ".join(sorted(ANY))))
        self.type, self.value = type, value

    def __repr__(self):
        return "Any(%r, %r)" % (self.type, self.value)

    def __eq__(self, other):
        return isinstance(other, Any) and (self.type, self.value) == (other.type, other.value)

    __hash__ = None


class Captured:
    """A parameter that could not be read, with the status of the attempt. Only tests need it."""

    def __init__(self, value, status):
        self.value, self.status = value, status


def encode(shape, value, where="value"):
    """Converts a value to objects for json.dumps. ValueError: a value does not fit its shape; TypeError: a field is
    unknown."""
    if isinstance(shape, dict):
        (kind, of), = shape.items()
        return _COMPOSITES[kind](of, value, where)
    if shape in _RANGES:
        low, high = _RANGES[shape]
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value < high:
            raise ValueError("%s: %r is not a number from %d to %d" % (where, value, low, high - 1))
        return str(value) if shape in ("u64", "i64") else int(value)
    return _PLAIN[shape](value, where)


def _bool(value, where):
    if not isinstance(value, bool):
        raise ValueError("%s: want True or False, got %r" % (where, value))
    return value


def _text(value, where):
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogateescape")
    elif not isinstance(value, bytes):
        raise ValueError("%s: want a text, got %r" % (where, value))
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return {"bytes": base64.b64encode(value).decode("ascii")}


def _str(value, where):
    if not isinstance(value, str):
        raise ValueError("%s: want a text such as S-1-1-0, got %r" % (where, value))
    return value


def _bytes(value, where):
    if value is None:
        return None
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise ValueError("%s: want bytes, got %r" % (where, value))
    return base64.b64encode(value).decode("ascii")


def _descriptor(value, where):
    return {"sddl": value} if isinstance(value, str) else _bytes(value, where)


def _any(value, where):
    if value is None:
        return None
    if not isinstance(value, Any):
        raise ValueError("%s: takes any type: say which, such as refmon.Any(\"uint32\", 1), got %r" % (where, value))
    return {value.type: encode(ANY[value.type], value.value, where)}


_PLAIN = {"bool": _bool, "string": _text, "sid": _str, "guid": _str, "bytes": _bytes, "acl": _bytes, "sd": _descriptor,
          "any": _any}


def _list(of, value, where):
    if value is None:
        return None
    return [encode(of, v, "%s[%d]" % (where, i)) for i, v in enumerate(value)]


def _struct(name, value, where):
    fields = STRUCTS[name]
    given = value if isinstance(value, dict) else getattr(value, "__dict__", None)
    if given is None:
        raise ValueError("%s: want a dict or a Struct of %s, got %r" % (where, ", ".join(fields), value))
    unknown = [k for k in given if k not in fields]
    if unknown:
        raise TypeError("%s has no %s: there are %s" % (where, unknown[0], ", ".join(fields) or "no parameters"))
    return {k: encode(fields[k], v, "%s.%s" % (where, k)) for k, v in given.items()}


def _captured(of, value, where):
    if isinstance(value, Captured):
        return {"V": encode(of, value.value, where), "Status": value.status}
    return {"V": encode(of, value, where)}


def _array(size, value, where):
    if not isinstance(value, (bytes, bytearray)) or len(value) != size:
        raise ValueError("%s: want %d bytes, got %r" % (where, size, value))
    return _bytes(value, where)


_COMPOSITES = {
    "list": _list, "struct": _struct, "captured": _captured, "bytes": _array,
    "optional": lambda of, value, where: None if value is None else encode(of, value, where),
}


def decode(shape, value):
    """Converts objects from json.loads to a value. KeyError, TypeError or ValueError: they have another shape."""
    if isinstance(shape, dict):
        (kind, of), = shape.items()
        if value is None and kind in ("list", "optional"):
            return None
        if kind == "list":
            return [decode(of, v) for v in value]
        if kind == "optional":
            return decode(of, value)
        if kind == "captured":
            v = decode(of, value["V"])
            return Captured(v, value["Status"]) if value["Status"] else v
        if kind == "struct":
            return Struct(**{k: decode(s, value[k]) for k, s in STRUCTS[of].items()})
        return base64.b64decode(value, validate=True)  # a fixed number of bytes
    if shape in ("u64", "i64"):
        return int(value)
    if value is not None and shape in ("bytes", "acl", "sd"):
        return base64.b64decode(value, validate=True)
    if shape == "string" and isinstance(value, dict):
        return base64.b64decode(value["bytes"], validate=True).decode("utf-8", "surrogateescape")
    if shape == "any" and value is not None:
        (name, v), = value.items()
        return Any(name, decode(ANY[name], v))
    return value
