package token

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// FileError says what is wrong in a token file, and where.
type FileError struct {
	Path    string // such as groups[1].atributes; "" for the file itself
	Offset  int    // byte offset into the file; 0 where it has none
	Problem string
	Err     error // the cause, nil if there is none beyond Problem
}

// Error prints path, problem and offset.
func (e *FileError) Error() string {
	where := ""
	if e.Path != "" {
		where = e.Path + ": "
	}
	at := ""
	if e.Offset > 0 {
		at = fmt.Sprintf(" (byte %d)", e.Offset)
	}
	return "token file: " + where + e.Problem + at
}

// Unwrap is the cause.
func (e *FileError) Unwrap() error { return e.Err }

// scanner reads strict JSON (RFC 8259) of a known shape: the caller asks for
// what must come next, and names the fields an object may have.
type scanner struct {
	b []byte
	p int
}

func (r *scanner) fail(format string, args ...any) error {
	return &FileError{Offset: r.p, Problem: fmt.Sprintf(format, args...)}
}

// within puts the name of what encloses it before the path of an error.
func within(name string, err error) error {
	if e, ok := err.(*FileError); ok {
		switch {
		case e.Path == "":
			e.Path = name
		case e.Path[0] == '[':
			e.Path = name + e.Path
		default:
			e.Path = name + "." + e.Path
		}
	}
	return err
}

// peek is the next byte that is no blank, 0 at the end.
func (r *scanner) peek() byte {
	for r.p < len(r.b) {
		switch c := r.b[r.p]; c {
		case ' ', '\t', '\r', '\n':
			r.p++
		default:
			return c
		}
	}
	return 0
}

// word consumes a literal name.
func (r *scanner) word(w string) bool {
	r.peek()
	if strings.HasPrefix(string(r.b[r.p:min(len(r.b), r.p+len(w))]), w) {
		r.p += len(w)
		return true
	}
	return false
}

// object reads an object whose fields are among names (at most 64) and calls
// f with the index of each. A field that is null counts as absent.
func (r *scanner) object(names []string, f func(i int) error) error {
	if r.peek() != '{' {
		return r.fail("want an object")
	}
	r.p++
	var seen uint64
	for first := true; ; first = false {
		if r.peek() == '}' && (first || seen != 0) {
			r.p++
			return nil
		}
		start := r.p
		key, err := r.text()
		if err != nil {
			return err
		}
		i := indexOf(names, key)
		if i < 0 || seen>>i&1 != 0 {
			r.p = start
			if i < 0 {
				return within(key, r.fail("unknown field, want one of %s", strings.Join(names, ", ")))
			}
			return within(key, r.fail("given twice"))
		}
		seen |= 1 << i
		if r.peek() != ':' {
			return within(key, r.fail("want a colon after the name"))
		}
		r.p++
		if !r.word("null") {
			if err := f(i); err != nil {
				return within(key, err)
			}
		}
		switch r.peek() {
		case ',':
			r.p++
			if r.peek() == '}' {
				return r.fail("want another field after the comma")
			}
		case '}':
		default:
			return r.fail("want a comma or } after field %s", key)
		}
	}
}

func indexOf(names []string, key string) int {
	for i, n := range names {
		if n == key {
			return i
		}
	}
	return -1
}

// array reads an array and calls f for each element, at most limit.
func (r *scanner) array(limit int, f func(i int) error) error {
	if r.peek() != '[' {
		return r.fail("want an array")
	}
	r.p++
	if r.peek() == ']' {
		r.p++
		return nil
	}
	for i := 0; ; i++ {
		if i == limit {
			return r.fail("want at most %d entries", limit)
		}
		if err := f(i); err != nil {
			return within("["+strconv.Itoa(i)+"]", err)
		}
		switch r.peek() {
		case ',':
			r.p++
		case ']':
			r.p++
			return nil
		default:
			return r.fail("want a comma or ] after entry %d", i)
		}
	}
}

// text reads a string.
func (r *scanner) text() (string, error) {
	if r.peek() != '"' {
		return "", r.fail("want a string")
	}
	start := r.p + 1
	for i := start; i < len(r.b); i++ {
		switch c := r.b[i]; {
		case c == '"':
			if s := string(r.b[start:i]); utf8.ValidString(s) {
				r.p = i + 1
				return s, nil
			}
			return "", r.fail("the string is not UTF-8")
		case c == '\\':
			return r.escaped(start, i)
		case c < ' ':
			r.p = i
			return "", r.fail("a control character in a string, want it escaped")
		}
	}
	return "", r.fail("a string without end")
}

// escaped reads a string that began at start and has its first escape at i.
func (r *scanner) escaped(start, i int) (string, error) {
	out := append([]byte(nil), r.b[start:i]...)
	for i < len(r.b) {
		c := r.b[i]
		switch {
		case c == '"':
			if !utf8.Valid(out) {
				return "", r.fail("the string is not UTF-8")
			}
			r.p = i + 1
			return string(out), nil
		case c < ' ':
			r.p = i
			return "", r.fail("a control character in a string, want it escaped")
		case c != '\\':
			out = append(out, c)
			i++
		default:
			u, n := escape(r.b[i:])
			if n == 0 {
				r.p = i
				return "", r.fail("a bad escape in a string")
			}
			out = utf8.AppendRune(out, u)
			i += n
		}
	}
	return "", r.fail("a string without end")
}

// escape reads the escape at the start of b, n bytes long; n is 0 for a bad
// one, a lone surrogate among them.
func escape(b []byte) (r rune, n int) {
	if len(b) < 2 {
		return 0, 0
	}
	switch b[1] {
	case '"', '\\', '/':
		return rune(b[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		u, ok := hex4(b)
		if !ok {
			return 0, 0
		}
		if !utf16.IsSurrogate(u) {
			return u, 6
		}
		if low, ok := hex4(b[6:]); ok {
			if u := utf16.DecodeRune(u, low); u != utf8.RuneError {
				return u, 12
			}
		}
	}
	return 0, 0
}

// hex4 reads \uhhhh.
func hex4(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	return rune(v), err == nil
}

// number reads a number and gives its text.
func (r *scanner) number() (string, error) {
	r.peek()
	i := r.p
	digits := func() int {
		n := i
		for i < len(r.b) && r.b[i]-'0' < 10 {
			i++
		}
		return i - n
	}
	if i < len(r.b) && r.b[i] == '-' {
		i++
	}
	zero := i < len(r.b) && r.b[i] == '0'
	if n := digits(); n == 0 || zero && n > 1 {
		return "", r.fail("want a number")
	}
	s := string(r.b[r.p:i])
	if i < len(r.b) && (r.b[i] == '.' || r.b[i] == 'e' || r.b[i] == 'E') {
		return "", r.fail("want a whole number without exponent")
	}
	r.p = i
	return s, nil
}

// unsigned reads a number of at most size bits, or a string that holds one,
// decimal or 0x….
func (r *scanner) unsigned(size int) (uint64, error) {
	start := r.p
	var s string
	var err error
	base := 10
	if r.peek() == '"' {
		start, base = r.p, 0
		s, err = r.text()
	} else {
		s, err = r.number()
	}
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseUint(s, base, size)
	if err != nil {
		r.p = start
		return 0, r.fail("%q: want a number of at most %d bits, such as 999 or \"0x3e7\"", s, size)
	}
	return v, nil
}

// boolean reads true or false.
func (r *scanner) boolean() (bool, error) {
	switch {
	case r.word("true"):
		return true, nil
	case r.word("false"):
		return false, nil
	}
	return false, r.fail("want true or false")
}
