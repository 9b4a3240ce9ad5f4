package utf16text

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// ErrCut is the error of UTF-16 that ends inside a character.
var ErrCut = errors.New("the UTF-16 text ends inside a character")

// UTF8 returns a file in UTF-8 without its byte order mark. It reads UTF-16 as Detect knows it. UTF-16 that ends inside
// a character is ErrCut. Other bytes are returned as they are.
func UTF8(file []byte) ([]byte, error) {
	wide, big, mark := Detect(file)
	if !wide {
		return bytes.TrimPrefix(file, []byte("\xef\xbb\xbf")), nil
	}
	return io.ReadAll(&Reader{In: bufio.NewReader(bytes.NewReader(file[mark:])), Big: big, Cut: ErrCut})
}

// Detect reports whether a file that begins with head is UTF-16, and whether the high byte of a unit comes first. It
// has a byte order mark of mark bytes, as PowerShell writes it, or begins with two characters of Latin-1.
func Detect(head []byte) (wide, big bool, mark int) {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return true, false, 2
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return true, true, 2
	case len(head) < 4:
		return false, false, 0
	case head[0] != 0 && head[1] == 0 && head[2] != 0 && head[3] == 0:
		return true, false, 0
	}
	big = head[0] == 0 && head[1] != 0 && head[2] == 0 && head[3] != 0
	return big, big, 0
}
