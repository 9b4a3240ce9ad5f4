package utf16text

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// ErrCut is the error of UTF-16 that ends inside a character.
var ErrCut = errors.New("the UTF-16 text ends inside a character")

// UTF8 returns a file in UTF-8 without its byte order mark. It reads UTF-16 with a byte order mark, as PowerShell
// writes it. UTF-16 that ends inside a character is ErrCut. Other bytes are returned as they are.
func UTF8(file []byte) ([]byte, error) {
	big := bytes.HasPrefix(file, []byte("\xfe\xff"))
	if !big && !bytes.HasPrefix(file, []byte("\xff\xfe")) {
		return bytes.TrimPrefix(file, []byte("\xef\xbb\xbf")), nil
	}
	return io.ReadAll(&Reader{In: bufio.NewReader(bytes.NewReader(file[2:])), Big: big, Cut: ErrCut})
}
