package objects_test

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

// readers is the descriptor of the tests.
const readers = "O:BAG:SYD:(A;;FR;;;WD)"

func bytesOf(t *testing.T, text string) []byte {
	t.Helper()
	d, err := sddl.Parse(text, sddl.Options{})
	check.NoError(t, err)
	return d.Binary()
}

// TestFormOfDescriptorIsGuessed: a text is bytes only if all of it can be, and begins as the bytes of a
// descriptor do; everything else is SDDL.
func TestFormOfDescriptorIsGuessed(t *testing.T) {
	h, b := hex.EncodeToString(bytesOf(t, readers)), base64.StdEncoding.EncodeToString(bytesOf(t, readers))
	for text, want := range map[string]objects.Form{"": objects.FormNone, readers: objects.FormSDDL, h: objects.FormHex,
		strings.ToUpper(h): objects.FormHex, b: objects.FormBase64,
		h[:38]: objects.FormSDDL, h[:40]: objects.FormHex, h[:41]: objects.FormSDDL, "02" + h[2:]: objects.FormSDDL,
		"1" + h[1:]:        objects.FormSDDL,
		h[:len(h)-1] + "g": objects.FormSDDL,
		h[:len(h)-1] + "/": objects.FormSDDL, h[:len(h)-1] + ":": objects.FormSDDL,
		h[:len(h)-1] + "`": objects.FormSDDL,
		h[:len(h)-1] + "9": objects.FormHex,
		h[:len(h)-1] + "0": objects.FormHex, h[:len(h)-1] + "F": objects.FormHex, h[:len(h)-1] + "a": objects.FormHex,
		b[:24]: objects.FormSDDL, b[:28]: objects.FormBase64, b[:29]: objects.FormSDDL,
		"B" + b[1:]: objects.FormSDDL, "AR" + b[2:]: objects.FormSDDL,
		b[:27] + ";": objects.FormSDDL, b[:27] + "*": objects.FormSDDL, b[:27] + "+": objects.FormBase64,
		b[:27] + "/": objects.FormBase64,
		b[:27] + "9": objects.FormBase64,
		b[:27] + "0": objects.FormBase64, b[:27] + "z": objects.FormBase64, b[:27] + "Z": objects.FormBase64,
		b[:27] + "a": objects.FormBase64,
		b[:27] + "{": objects.FormSDDL,
		b[:27] + ":": objects.FormSDDL, b[:27] + "@": objects.FormSDDL, b[:27] + "=": objects.FormBase64} {
		check.Equal(t, objects.FormOf([]byte(text)), want, "%.50q: form", text)
	}
	if d, err := objects.ParseDescriptor("O:DA", sid.MustParse("S-1-5-21-1-2-3")); err != nil ||
		d.Owner().String() != "S-1-5-21-1-2-3-512" {
		t.Errorf(`%v, %v, want d.Owner() = "S-1-5-21-1-2-3-512", no error`, d, err)
	}
}
