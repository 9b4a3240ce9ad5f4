package trail

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// fields returns a matcher for records in which one of the named fields matches the pattern. It ignores case. Without
// names it matches nothing. The pattern has * and ?.
func fields(pattern string, names ...string) matcher {
	keys := make([][]byte, len(names))
	for i, name := range names {
		keys[i] = []byte(`"` + name + `":`)
	}
	pattern = small(pattern)
	parts := needlesOf(pattern)
	may := func(r []byte) bool {
		for i := range parts {
			if !parts[i].in(r) {
				return false
			}
		}
		return true
	}
	return matcher{may: may, is: func(r []byte) bool {
		for _, key := range keys {
			if matchField(r, key, pattern) {
				return true
			}
		}
		return false
	}}
}

// matchField reports whether the field with a key in the JSON text r matches the pattern. Of a list, one item must
// match. It returns false for a missing field. A key cannot occur inside a string, because quotes are escaped there.
func matchField(r, key []byte, pattern string) bool {
	at := bytes.Index(r, key)
	if at < 0 {
		return false
	}
	rest := r[at+len(key):]
	var room [256]byte
	if len(rest) > 0 && rest[0] == '[' {
		rest = rest[1:]
	}
	for len(rest) > 0 && rest[0] == '"' {
		end := textEnd(rest)
		if glob(pattern, plain(rest[1:end], room[:0])) {
			return true
		}
		rest = rest[min(end+1, len(rest)):]
		if len(rest) < 2 || rest[0] != ',' || rest[1] != '"' {
			return false
		}
		if after := rest[1:]; after[min(textEnd(after)+1, len(after)-1)] == ':' {
			return false // the next key
		}
		rest = rest[1:]
	}
	return false
}

// textEnd returns the index of the closing quote of the string at b[0], or len(b) without one.
func textEnd(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(b)
}

// plain returns the text of a JSON string without its escapes. It returns b itself if it has none, and otherwise builds
// the text in room. A truncated escape at the end is copied.
func plain(b, room []byte) []byte {
	if bytes.IndexByte(b, '\\') < 0 {
		return b
	}
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c == '\\' && i+1 < len(b) {
			i++
			switch c = b[i]; c {
			case 'n', 'r', 't', 'b', 'f':
				c = "\n\r\t\b\f"[strings.IndexByte("nrtbf", c)]
			case 'u':
				var r rune
				r, i = codePoint(b, i+1)
				room = utf8.AppendRune(room, r)
				continue
			}
		}
		room = append(room, c)
	}
	return room
}

// codePoint decodes the four digits at b[i] and returns the index of the last. Our records have such escapes only for
// control characters, never for surrogate pairs.
func codePoint(b []byte, i int) (r rune, last int) {
	end := min(i+4, len(b))
	n, err := strconv.ParseUint(string(b[i:end]), 16, 16)
	if err != nil {
		return utf8.RuneError, end - 1
	}
	return rune(n), end - 1
}

// rawText returns the string after a key that ends in a quote. It returns nil if the key is missing.
func rawText(r []byte, key string) []byte {
	at := bytes.Index(r, []byte(key))
	if at < 0 {
		return nil
	}
	rest := r[at+len(key)-1:]
	return rest[1:textEnd(rest)]
}

// glob reports whether a pattern matches the whole text: * matches any text, ? one character. It ignores case. An empty
// pattern matches only an empty text.
func glob(pattern string, text []byte) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		want, n := folded(pattern[p:])
		char, size := folded(text[t:])
		switch {
		case want == '*':
			star, mark, p = p, t, p+1
		case want == '?' || want == char:
			p, t = p+n, t+size
		case star >= 0:
			_, size := folded(text[mark:])
			mark += size
			p, t = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// folded returns the first character of a text without its case, and its length in bytes; -1 and 0 for an empty text.
// It folds no other character to an ASCII letter, such as the Kelvin sign to k, because needlesOf looks for ASCII
// letters only.
func folded[T string | []byte](text T) (rune, int) {
	if len(text) == 0 {
		return -1, 0
	}
	if text[0] < utf8.RuneSelf {
		return rune(lower(text[0])), 1
	}
	r, n := utf8.DecodeRuneInString(string(text[:min(len(text), utf8.UTFMax)]))
	if f := unicode.ToLower(unicode.ToUpper(r)); f >= utf8.RuneSelf {
		return f, n
	}
	return r, n
}

// small returns text with ASCII letters in lower case. Other letters stay.
func small(text string) string {
	b := []byte(text)
	for i := range b {
		b[i] = lower(b[i])
	}
	return string(b)
}

// lower returns the lower-case form of an ASCII letter, and any other byte unchanged.
func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// A needle is a literal part of a pattern, for a fast search before the exact comparison. A record without it, in any
// case, cannot match.
type needle struct {
	text string // in lower case
	rare int    // index of the letter that is looked for first
}

// common lists the characters of our records, the most frequent first. Others are rarer.
const common = `esti0-nro1a5cludSpjgbmfDPNLIATRh23467899%CFOHMWEUV{}:.,_vy`

// needlesOf returns the parts of a pattern that the JSON contains literally: parts of at least 3 bytes without
// wildcards and escaped characters. The longest comes first. A pattern without such parts gives nil. Parts of equal
// length stay in order.
func needlesOf(pattern string) []needle {
	var out []needle
	for piece := range strings.FieldsFuncSeq(pattern, func(r rune) bool {
		return r == '*' || r == '?' || r == '"' || r == '\\' || r < ' ' || r > '~'
	}) {
		if len(piece) < 3 {
			continue
		}
		n := needle{text: piece}
		for i := range len(piece) {
			if rarity(piece[i]) > rarity(piece[n.rare]) {
				n.rare = i
			}
		}
		out = append(out, n)
	}
	slices.SortStableFunc(out, func(a, b needle) int { return len(b.text) - len(a.text) })
	return out
}

// rarity ranks a byte by how rarely it occurs in records, so that a search can look for the rarest letter of a
// needle. A larger result is rarer. A byte that is not in common is the rarest.
func rarity(c byte) int {
	if at := strings.IndexByte(common, c); at >= 0 {
		return at
	}
	return len(common)
}

// in reports whether b contains the needle. It ignores the case of ASCII letters. The needle's text must be in lower
// case and not empty.
func (n needle) in(b []byte) bool {
	c := n.text[n.rare]
	if n.find(b, c) {
		return true
	}
	upper := c
	if c >= 'a' && c <= 'z' {
		upper -= 'a' - 'A'
	}
	return upper != c && n.find(b, upper)
}

// find searches for the needle at each occurrence of its rarest letter. It ignores the case of ASCII letters. c is the
// letter to look for, in one of its cases.
func (n needle) find(b []byte, c byte) bool {
	for from := n.rare; from < len(b); {
		at := bytes.IndexByte(b[from:], c)
		if at < 0 {
			return false
		}
		start := from + at - n.rare
		if end := start + len(n.text); end <= len(b) && equalFold(b[start:end], n.text) {
			return true
		}
		from += at + 1
	}
	return false
}

// equalFold reports whether b equals small without regard to ASCII case. small must be lower case and at least
// as long as b.
func equalFold(b []byte, small string) bool {
	for i := range b {
		if lower(b[i]) != small[i] {
			return false
		}
	}
	return true
}
