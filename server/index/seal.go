package index

import (
	"bytes"
	"fmt"
	"hash/crc32"
)

// A line of a log, and the watermark's file, end with a field that has the checksum of the rest:
// {"seq":7,…,"crc":"0f1e2d3c"}. Files that older programs wrote have none, and neither do events in messages, which are
// signed.
const (
	sealStart  = `,"crc":"`
	sealLength = len(sealStart) + 8 + len(`"}`)
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendSealed protects an object against corruption: it appends the JSON object with its checksum, and a line feed, to
// dst.
func appendSealed(dst, object []byte) []byte {
	dst = append(dst, object[:len(object)-1]...)
	return fmt.Appendf(dst, sealStart+"%08x\"}\n", crc32.Checksum(object, castagnoli))
}

// unseal returns a line without its checksum and without the brace that closes the object. It returns the whole line
// and sealed false if the line has no checksum, and an error if the checksum is wrong (N-134).
func unseal(line []byte) (content []byte, sealed bool, err error) {
	n := len(line) - sealLength
	if n < 1 || !bytes.HasPrefix(line[n:], []byte(sealStart)) {
		return line, false, nil
	}
	content = line[:n]
	sum := crc32.Update(crc32.Checksum(content, castagnoli), castagnoli, []byte{'}'})
	if string(line[n+len(sealStart):]) != fmt.Sprintf("%08x\"}", sum) {
		return line, true, fmt.Errorf("its checksum is wrong: the disk or a program changed it")
	}
	return content, true, nil
}
