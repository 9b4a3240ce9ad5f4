package dav

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// newDecoder returns a decoder of an XML document. It skips a byte order mark. It converts UTF-16, which it recognizes
// by this mark, to UTF-8: a server reads XML "at minimum, using the UTF-8 and UTF-16 encodings" (RFC 4918, 19). Half a
// character is errXML. It does not check UTF-8, which the decoder does.
func newDecoder(body []byte) (*xml.Decoder, error) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(body, []byte{0xFE, 0xFF}):
		order = binary.BigEndian
	case bytes.HasPrefix(body, []byte{0xFF, 0xFE}):
		order = binary.LittleEndian
	default:
		return xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\uFEFF")))), nil
	}
	if len(body)%2 != 0 {
		return nil, errXML
	}
	out := make([]byte, 0, len(body))
	for at := 2; at < len(body); at += 2 {
		r := rune(order.Uint16(body[at:]))
		if utf16.IsSurrogate(r) {
			if at += 2; at == len(body) {
				return nil, errXML
			}
			if r = utf16.DecodeRune(r, rune(order.Uint16(body[at:]))); r == unicode.ReplacementChar {
				return nil, errXML
			}
		}
		out = utf8.AppendRune(out, r)
	}
	d := xml.NewDecoder(bytes.NewReader(out))
	d.CharsetReader = func(label string, in io.Reader) (io.Reader, error) {
		if !strings.EqualFold(label, "utf-16") {
			return nil, errXML
		}
		return in, nil // the decoder reads out, whose declaration still names the old encoding
	}
	return d, nil
}
