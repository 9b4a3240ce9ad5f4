package bloodhound

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// A file of a zip is unpacked if both its stated and its actual size fit.
func TestZipFileNeedsItsActualSize(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("a.json")
	check.NoError(t, err)
	text := []byte(strings.Repeat("x", 1000))
	check.NoError(t, check.Err(f.Write(text)))
	check.NoError(t, w.Close())
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	check.NoError(t, err)
	for room, enough := range map[uint64]bool{0: false, 999: false, 1000: true, 1001: true} {
		got, err := unpack(z.File[0], room)
		if enough && (err != nil || !bytes.Equal(got, text)) || !enough && (err == nil || !strings.Contains(err.Error(),
			"256 MiB")) {
			t.Errorf("room for %d bytes: %d, %v", room, len(got), err)
		}
	}
	err = Files(b.Bytes(), func([]byte) error { return io.ErrUnexpectedEOF })
	check.Equal(t, fmt.Sprint(err), `"a.json": unexpected EOF`, "error of a file")
	lying := *z.File[0]
	lying.UncompressedSize64 = 10 // its header says less than there is
	if got, err := unpack(&lying, 500); err == nil {
		t.Errorf("a file of %d bytes was unpacked where there is room for 500", len(got))
	}
}

// A zip with a password says so, whatever the encryption.
func TestZipWithPasswordSaysSo(t *testing.T) {
	for _, method := range []uint16{zip.Store, zip.Deflate, 99} { // 99: AES
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		w := check.Must(z.CreateRaw(&zip.FileHeader{Name: "a.json", Flags: 1, Method: method, UncompressedSize64: 2,
			CompressedSize64: 2}))
		check.Must(w.Write([]byte("{}")))
		check.NoError(t, z.Close())
		err := Files(b.Bytes(), func([]byte) error { return nil })
		check.That(t, err != nil && strings.Contains(err.Error(), `"a.json": the zip has a password`),
			"method %d: %v, want the password", method, err)
	}
}
