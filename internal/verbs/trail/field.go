package trail

import (
	"bytes"
	"strconv"
	"strings"
)

// fields matches records one of whose fields has the value.
func fields(pattern string, names ...string) matcher {
	keys := make([][]byte, len(names))
	for i, name := range names {
		keys[i] = []byte(`"` + name + `":`)
	}
	pattern = strings.ToLower(pattern)
	return func(r []byte) bool {
		for _, key := range keys {
			if matchField(r, key, pattern) {
				return true
			}
		}
		return false
	}
}

// matchField compares a field where it stands in the JSON. A key cannot appear
// inside a text: quotes are escaped there.
func matchField(r, key []byte, pattern string) bool {
	at := bytes.Index(r, key)
	if at < 0 {
		return false
	}
	rest := r[at+len(key):]
	if len(rest) > 0 && rest[0] == '[' {
		rest = rest[1:]
	}
	for len(rest) > 0 && rest[0] == '"' {
		end := textEnd(rest)
		if glob(pattern, plain(rest[1:end])) {
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

// textEnd returns the index of the quote that ends the text at b[0].
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

// plain returns a JSON text without its escapes.
func plain(b []byte) []byte {
	if bytes.IndexByte(b, '\\') < 0 {
		return b
	}
	s, err := strconv.Unquote(`"` + string(b) + `"`)
	if err != nil {
		return b
	}
	return []byte(s)
}

// rawText returns the text behind a key that ends in a quote.
func rawText(r []byte, key string) []byte {
	at := bytes.Index(r, []byte(key))
	if at < 0 {
		return nil
	}
	rest := r[at+len(key)-1:]
	return rest[1:textEnd(rest)]
}

// glob matches text against a pattern in small letters: * is any text, ? one
// byte. Letters outside ASCII match themselves.
func glob(pattern string, text []byte) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark, p = p, t, p+1
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == lower(text[t])):
			p, t = p+1, t+1
		case star >= 0:
			mark++
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

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
