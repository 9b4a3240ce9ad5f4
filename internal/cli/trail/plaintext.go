package trail

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/refmon/refmon/internal/utf16text"
)

// plainText reads text in UTF-8 or UTF-16 as UTF-8. Control characters and invalid parts, which XML does not allow,
// become U+FFFD. A byte order mark chooses UTF-16; without one the text is UTF-8, unless every second byte of its start
// is zero.
type plainText struct {
	in    *bufio.Reader
	wide  *utf16text.Reader // of in; nil for UTF-8
	out   [utf8.UTFMax]byte
	n, at int // bytes in out
	left  int // bytes that may still be read; see errTooLong
	err   error
}

var errTooLong = errors.New("too long")

// newPlainText returns a reader of the text of in. The first bytes determine the encoding: UTF-8, or UTF-16 in either
// byte order. Without a byte order mark, a first "<" of two bytes means UTF-16. A read error is returned with the
// first character.
func newPlainText(in io.Reader) *plainText {
	p := &plainText{in: bufio.NewReader(in), left: maxEventBytes}
	head, _ := p.in.Peek(3) // the next read returns the error again
	switch {
	case len(head) >= 2 && head[0] == 0xFF && head[1] == 0xFE, len(head) >= 2 && head[0] == '<' && head[1] == 0:
		p.wide = &utf16text.Reader{In: p.in}
	case len(head) >= 2 && head[0] == 0xFE && head[1] == 0xFF, len(head) >= 2 && head[0] == 0 && head[1] == '<':
		p.wide = &utf16text.Reader{In: p.in, Big: true}
	}
	return p
}

// Read returns errors.ErrUnsupported. The decoder of XML takes an io.Reader but calls only ReadByte.
func (*plainText) Read([]byte) (int, error) { return 0, errors.ErrUnsupported }

// ReadByte returns the next byte of the text in UTF-8, and errTooLong if an event exceeds the limit. It drops byte
// order marks, and replaces characters that XML does not allow by U+FFFD. An error is returned again by each later
// call. The decoder of XML needs ReadByte, because it then reads no more than it uses.
func (p *plainText) ReadByte() (byte, error) {
	for p.at == p.n {
		if p.err != nil {
			return 0, p.err
		}
		r, err := p.rune()
		if err != nil {
			p.err = err
			return 0, err
		}
		if r == 0xFEFF {
			continue // a byte order mark
		}
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			r = utf8.RuneError
		}
		p.n, p.at = utf8.EncodeRune(p.out[:], r), 0
	}
	if p.left == 0 {
		p.err = errTooLong
		return 0, p.err
	}
	p.left--
	p.at++
	return p.out[p.at-1], nil
}

// because explains an error of the XML decoder: if the size limit of an event caused it, it returns an error that
// says so. Otherwise it returns err.
func (p *plainText) because(err error) error {
	if errors.Is(p.err, errTooLong) {
		return fmt.Errorf("more than %d KiB without the end of an event", maxEventBytes>>10)
	}
	return err
}

// rune returns the next character. Half of a surrogate pair becomes U+FFFD. Malformed UTF-8 becomes U+FFFD, too. The
// end of the text is io.EOF. An odd byte at the end of UTF-16 is io.ErrUnexpectedEOF.
func (p *plainText) rune() (rune, error) {
	if p.wide == nil {
		r, _, err := p.in.ReadRune()
		return r, err
	}
	r, err := p.wide.Rune()
	if r == utf8.RuneError {
		return r, nil // the next call returns the error
	}
	return r, err
}
