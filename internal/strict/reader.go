package strict

import (
	"fmt"
	"strconv"
	"strings"
)

// A Reader reads a document of a known shape. The caller requests the value that must come next and names the fields
// that an object may have. The zero value with Bytes set is ready.
type Reader struct {
	Scanner
	depth int
	kinds bool // shaped compares the kinds of values with the type
}

// Fail returns an *Error at the current position. It does not change the reader.
func (r *Reader) Fail(format string, args ...any) error { return r.FailAt(r.Pos, format, args...) }

// FailAt returns an *Error at an offset. It does not change the reader.
func (r *Reader) FailAt(at int, format string, args ...any) error {
	return &Error{Offset: at, Problem: fmt.Sprintf(format, args...)}
}

// Word moves past white space, and past a literal such as null if it comes next. It reports whether it did. It does
// not check what follows the literal.
func (r *Reader) Word(w string) bool {
	r.Peek()
	if len(r.Bytes)-r.Pos < len(w) || string(r.Bytes[r.Pos:r.Pos+len(w)]) != w {
		return false
	}
	r.Pos += len(w)
	return true
}

// Null moves past null if it comes next, and reports whether it did.
func (r *Reader) Null() bool { return r.Word("null") }

// enter counts one level of nesting when a list or object begins. Beyond MaxDepth it returns an error.
func (r *Reader) enter() error {
	if r.depth++; r.depth > MaxDepth {
		return r.Fail("nested more than %d deep", MaxDepth)
	}
	return nil
}

// Object reads an object and calls f with the index in names of each field, in file order. f must read the value. names
// has at most 64 elements. An unknown or repeated field is an error; a missing one is not. It stops at the first error,
// and names the field in it.
func (r *Reader) Object(names []string, f func(i int) error) error {
	if r.Peek() != '{' {
		return r.Fail("want an object")
	}
	if err := r.enter(); err != nil {
		return err
	}
	var seen uint64
	for it := r.Scanner.Object(); it.Next(&r.Scanner); {
		i := Layout(names).Index(it.Name)
		if i < 0 {
			return Within(Clip(it.Name), r.unknown(names, &it))
		}
		if seen>>i&1 != 0 {
			return Within(names[i], r.FailAt(it.Start, "given twice"))
		}
		seen |= 1 << i
		if err := f(i); err != nil {
			return Within(names[i], err)
		}
	}
	r.depth--
	return r.Err
}

// unknown returns the error for a member that is not one of names. If a name differs only in case, the error names
// it; otherwise it lists all names.
func (r *Reader) unknown(names []string, it *Members) error {
	for _, n := range names {
		if strings.EqualFold(n, string(it.Name)) {
			return r.FailAt(it.Start, "unknown field, write it %s", n)
		}
	}
	return r.FailAt(it.Start, "unknown field, want one of %s", strings.Join(names, ", "))
}

// Map reads an object with arbitrary names and calls f with each. f must read the value. A repeated name is an error.
// Errors of f get the name as their path. The name is unescaped.
func (r *Reader) Map(f func(key string) error) error {
	if r.Peek() != '{' {
		return r.Fail("want an object")
	}
	if err := r.enter(); err != nil {
		return err
	}
	seen := map[string]bool{}
	for it := r.Scanner.Object(); it.Next(&r.Scanner); {
		text, _ := Unquote(nil, r.Bytes[it.Start:it.Start+len(it.Name)+2])
		key := string(text)
		if seen[key] {
			return Within(Clip(text), r.FailAt(it.Start, "given twice"))
		}
		seen[key] = true
		if err := f(key); err != nil {
			return Within(key, err)
		}
	}
	r.depth--
	return r.Err
}

// Array reads a list and calls f for each element. More than limit elements are an error; a negative limit allows any
// number. The error of f names the index. Nesting deeper than the scanner allows is an error.
func (r *Reader) Array(limit int, f func(i int) error) error {
	if r.Peek() != '[' {
		return r.Fail("want an array")
	}
	if err := r.enter(); err != nil {
		return err
	}
	i := 0
	for it := r.Scanner.Array(); it.Next(&r.Scanner); i++ {
		if i == limit {
			return r.Fail("want at most %d entries", limit)
		}
		if err := f(i); err != nil {
			return Within("["+strconv.Itoa(i)+"]", err)
		}
	}
	r.depth--
	return r.Err
}

// Text reads a string and returns it without quotes and escapes. Any other value is an error.
func (r *Reader) Text() (string, error) {
	if r.Peek() != '"' {
		return "", r.Fail("want a string")
	}
	start := r.Pos
	if r.str(); r.Err != nil {
		return "", r.Err
	}
	text, _ := Unquote(nil, r.Bytes[start:r.Pos])
	return string(text), nil
}

// Scalar reads a string, a number, true or false and returns it as text. An object, an array or null is an error.
func (r *Reader) Scalar() (string, error) {
	switch c := r.Peek(); c {
	case '"':
		return r.Text()
	case '{', '[', 'n':
		return "", r.Fail("want text")
	}
	v := r.Value(r.depth)
	return string(v), r.Err
}

// Number reads a whole number and returns its text, of any size. A fraction, an exponent or another value is an
// error.
func (r *Reader) Number() (string, error) {
	start := r.Pos
	if c := r.Peek(); c != '-' && (c < '0' || c > '9') {
		return "", r.Fail("want a number")
	}
	v := r.Value(r.depth)
	if r.Err != nil {
		return "", r.Err
	}
	if strings.ContainsAny(string(v), ".eE") {
		return "", r.FailAt(start, "want a whole number without exponent")
	}
	return string(v), nil
}

// Unsigned reads an unsigned number of at most size bits: a decimal number, or a string with one in decimal or 0x…
// form. A leading 0, a sign, a fraction and a number that is too large are errors.
func (r *Reader) Unsigned(size int) (uint64, error) {
	read := r.Number
	if r.Peek() == '"' {
		read = r.Text
	}
	start := r.Pos
	s, err := read()
	if err != nil {
		return 0, err
	}
	digits, base := s, 10
	hex, isHex := strings.CutPrefix(strings.ToLower(s), "0x")
	if isHex {
		digits, base = hex, 16
	}
	v, err := strconv.ParseUint(digits, base, size)
	if err != nil || !isHex && len(s) > 1 && s[0] == '0' { // octal in other languages
		return 0, r.FailAt(start, "%q: want a number of at most %d bits, such as 999 or \"0x3e7\"", Clip(s), size)
	}
	return v, nil
}

// Boolean reads true or false. Any other value, also null, is an error.
func (r *Reader) Boolean() (bool, error) {
	switch {
	case r.Word("true"):
		return true, nil
	case r.Word("false"):
		return false, nil
	}
	return false, r.Fail("want true or false")
}

// Raw reads any value and returns its bytes, which are a part of the input. A repeated name in it is an error.
func (r *Reader) Raw() ([]byte, error) {
	var err error
	switch r.Peek() {
	case '{':
		start := r.Pos
		err = r.Map(func(string) error {
			_, err := r.Raw()
			return err
		})
		return r.Bytes[start:r.Pos], err
	case '[':
		start := r.Pos
		err = r.Array(-1, func(int) error {
			_, err := r.Raw()
			return err
		})
		return r.Bytes[start:r.Pos], err
	}
	return r.Value(r.depth), r.Err
}

// Done returns an error if anything but white space follows the document, and nil at the end.
func (r *Reader) Done() error {
	if r.Peek(); r.Pos < len(r.Bytes) {
		return r.Fail("something follows the object")
	}
	return nil
}

// IsNumber reports whether all of text is a number in the syntax of JSON. It is false for "", for white space around
// it and for a plus sign.
func IsNumber(text string) bool {
	if text == "" || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		return false
	}
	s := Scanner{Bytes: []byte(text)}
	s.number()
	s.End()
	return s.Err == nil
}
