// Package utf16text reads text in UTF-16 as UTF-8, for the readers of files that Windows programs write.
package utf16text

import (
	"bufio"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// Reader converts UTF-16 to UTF-8. A byte order mark is a character like others. It is not safe for concurrent use.
type Reader struct {
	In  *bufio.Reader
	Big bool  // the high byte of a unit comes first
	Cut error // what Read returns for a text that ends within a character; nil: io.ErrUnexpectedEOF

	rest []byte // of the last character, not read yet
}

// Read implements io.Reader. A lone surrogate becomes U+FFFD. An error comes with the bytes before it.
func (r *Reader) Read(b []byte) (n int, err error) {
	for n < len(b) {
		if len(r.rest) == 0 {
			c, err := r.Rune()
			if errors.Is(err, io.ErrUnexpectedEOF) && r.Cut != nil {
				err = r.Cut
			}
			if err != nil {
				return n, err
			}
			r.rest = utf8.AppendRune(nil, c)
		}
		k := copy(b[n:], r.rest)
		n, r.rest = n+k, r.rest[k:]
	}
	return n, nil
}

// Rune returns the next character. A lone surrogate becomes U+FFFD, and the character after it stays unread. At the end
// it returns io.EOF. For an end within a unit it returns 0 and io.ErrUnexpectedEOF, and for one after the first half of
// a surrogate pair U+FFFD and that error.
func (r *Reader) Rune() (rune, error) {
	var unit [2]byte
	if _, err := io.ReadFull(r.In, unit[:]); err != nil {
		return 0, err
	}
	c := r.join(unit[:])
	if !utf16.IsSurrogate(c) {
		return c, nil
	}
	if utf16.DecodeRune(c, firstLow) == utf8.RuneError {
		return utf8.RuneError, nil // a second half without a first one
	}
	next, err := r.In.Peek(2)
	if len(next) < 2 {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return utf8.RuneError, err
	}
	pair := utf16.DecodeRune(c, r.join(next))
	if pair != utf8.RuneError {
		_, _ = r.In.Discard(2) // they were peeked
	}
	return pair, nil
}

// firstLow is the first unit that is the second half of a surrogate pair.
const firstLow = 0xDC00

// join returns the unit in the first two bytes of b.
func (r *Reader) join(b []byte) rune {
	if r.Big {
		return rune(b[0])<<8 | rune(b[1])
	}
	return rune(b[1])<<8 | rune(b[0])
}
