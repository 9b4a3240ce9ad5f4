package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
)

// The values of claims and conditions are texts: a letter for the kind (i integer, b boolean, s UTF-16, d SID, x
// octets), and a rest that is equal for equal values and sorts like them.

// unsigned encodes a number that is not negative.
func unsigned(kind string, v uint64) string { return fmt.Sprintf("%s1%020d", kind, v) }

// signed encodes an integer.
func signed(v int64) string {
	if v < 0 {
		return fmt.Sprintf("i0%020d", uint64(v))
	}
	return unsigned("i", uint64(v))
}

// units returns a text in UTF-16, little-endian.
func units(s string) string {
	return string(must(binary.Append(nil, binary.LittleEndian, utf16.Encode([]rune(s)))))
}

// later are letters whose upper-case form is newer than Unicode 5.1, or is ASCII. Windows does not map them.
var later = regexp.MustCompile("[ıſƛȿɀɒɜɡɤ-ɦɪɬʂʇʝʞϳԥ-ԯა-ჿᏸ-ᏽᲀ-ᲊᶎⱟⳬ-ⳳⴧ-ⴭꙡꚙ-ꚛꞑ-ꟶꭓ-ꮿ]")

// fold returns UTF-16 in big-endian order, which sorts correctly, and in upper case unless sensitive.
func fold(s string, sensitive bool) string {
	var out []byte
	for ; s != ""; s = s[2:] {
		u := rune(le(s[:2]))
		if !sensitive && !later.MatchString(string(u)) {
			u = unicode.ToUpper(u)
		}
		out = append(out, byte(u>>8), byte(u))
	}
	return string(out)
}

// terminated returns the UTF-16 before the first NUL.
func terminated(s string) string {
	i := 0
	for s[i:i+2] != "\x00\x00" {
		i += 2
	}
	return s[:i]
}

// counted returns the bytes after a length of four bytes at the start of s.
func counted(s string) string { return s[4 : 4+le(s[:4])] }

// storedValue decodes a value at the start of b in a resource attribute (MS-DTYP 2.4.10.1), and returns its size there.
// It panics for an unknown type.
func storedValue(typ uint64, b string) (value string, size int) {
	switch typ {
	case 1:
		return signed(int64(le(b[:8]))), 8
	case 2:
		return unsigned("i", le(b[:8])), 8
	case 3:
		return "s" + terminated(b), len(terminated(b)) + 2
	case 5:
		check(isSID(counted(b)), "a SID")
		return "d" + counted(b), len(counted(b)) + 4
	case 6:
		check(le(b[:8]) <= 1, "a boolean")
		return unsigned("b", le(b[:8])), 8
	case 16:
		return "x" + counted(b), len(counted(b)) + 4
	}
	panic("an unknown type of an attribute")
}

// fileValue decodes a value of a claim in a token file. It panics for another type than that of v.
func fileValue(typ, v any, domain string) string {
	switch typ {
	case "int64":
		check(digits.MatchString(strings.TrimPrefix(fmt.Sprint(v), "-")), "the number %v: write it in decimal digits", v)
		return signed(must(strconv.ParseInt(fmt.Sprint(v), 10, 64)))
	case "uint64":
		return unsigned("i", numeral(v, 64))
	case "string":
		return "s" + units(v.(string))
	case "sid":
		return "d" + parseSID(v.(string), domain)
	case "octets":
		return "x" + unhex(v)
	case "boolean":
		switch v {
		case true, json.Number("1"):
			return unsigned("b", 1)
		case false, json.Number("0"):
			return unsigned("b", 0)
		}
		panic("a claim's boolean is true, false, 1 or 0")
	}
	panic("an unknown type of a claim")
}

var digits = regexp.MustCompile(`^(0|[1-9][0-9]{0,19}|0[xX][0-9a-fA-F]{1,16})$`)

// numeral converts a number, or a string that contains a decimal or hexadecimal one.
func numeral(v any, size int) uint64 {
	check(digits.MatchString(fmt.Sprint(v)), "the number %v: write it in decimal digits, or as 0x and hexadecimal ones",
		v)
	return must(strconv.ParseUint(fmt.Sprint(v), 0, size))
}

// Flags of a claim.
const (
	caseSensitive  = 0x02
	useForDenyOnly = 0x04
	disabled       = 0x10
)

// attribute converts a claim to an operand. A disabled claim, or one with a repeated value, is NULL (A-110, S-32).
func attribute(flags uint64, values []string) *operand {
	o := &operand{kind: 'a', values: values, sensitive: flags&caseSensitive != 0, denyOnly: flags&useForDenyOnly != 0}
	keys := slices.Sorted(slices.Values(o.keys(o.sensitive)))
	if flags&disabled != 0 || len(slices.Compact(keys)) < len(values) {
		return &operand{kind: 'a'}
	}
	return o
}

// parseAttribute adds a resource attribute. An unreadable one is ignored (S-33). Of several with one name the first
// counts. Names match in any case. An unknown type, too many values and a malformed flag make it unreadable.
func (t *token) parseAttribute(b string) {
	defer func() { _ = recover() }()
	const maxValues, maxBytes = 4096, 65536
	at := func(field uint64) string { return b[le(b[field:field+4]):] }
	name, typ, flags := fold(terminated(at(0)), false), le(b[4:6]), le(b[8:12])
	var values []string
	bytes := 0
	for i := range le(b[12:16]) {
		value, size := storedValue(typ, at(16+4*i))
		values, bytes = append(values, value), bytes+size
	}
	isType := slices.Contains([]uint64{1, 2, 3, 5, 6, 16}, typ) // also of an attribute without values
	check(isType && name != "" && flags&0xFF00 == 0 && len(values) <= maxValues && bytes <= maxBytes, "an attribute")
	if t.claims["resource"+name] == nil {
		t.claims["resource"+name] = attribute(flags, values)
		t.claims["restrictedresource"+name] = t.claims["resource"+name]
	}
}

// parseClaims adds the claims in a list of the token file. Of several with one name the last counts.
func (t *token) parseClaims(where string, list any, domain string) {
	for _, v := range as[[]any](list) {
		o := v.(map[string]any)
		var values []string
		if strings.HasSuffix(where, "Claims") {
			values = []string{} // without values, a claim is not the same as a missing one
		}
		for _, value := range o["values"].([]any) {
			values = append(values, fileValue(o["type"], value, domain))
		}
		flags := uint64(0)
		if o["flags"] != nil {
			flags = numeral(o["flags"], 32)
		}
		t.claims[where+fold(units(o["name"].(string)), false)] = attribute(flags, values)
	}
}
