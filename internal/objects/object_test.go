package objects_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// readers is the descriptor of the tests.
const readers = "O:BAG:SYD:(A;;FR;;;WD)"

// TestFormOfDescriptorIsGuessed checks that a text counts as bytes only if it decodes as a whole and begins like a
// self-relative descriptor. Any other text counts as SDDL.
func TestFormOfDescriptorIsGuessed(t *testing.T) {
	raw := check.Must(sddl.Parse(readers, sddl.Options{})).Binary()
	h, b := hex.EncodeToString(raw), base64.StdEncoding.EncodeToString(raw)
	digit, letter := h[:len(h)-1], b[:27] // without the last
	for form, texts := range map[objects.Form][]string{
		objects.FormNone: {""},
		objects.FormHex:  {h, strings.ToUpper(h), h[:40], digit + "9", digit + "0", digit + "F", digit + "a"},
		objects.FormBase64: {b, b[:28], letter + "+", letter + "/", letter + "9", letter + "0", letter + "z",
			letter + "Z", letter + "a", letter + "="},
		objects.FormSDDL: {readers, h[:38], h[:41], "02" + h[2:], "1" + h[1:], digit + "g", digit + "G", digit + "/",
			digit + ":", digit + "`", b[:24], b[:29], "B" + b[1:], "AR" + b[2:], letter + ";", letter + "*",
			letter + "{", letter + "[", letter + ":", letter + "@"},
	} {
		for _, text := range texts {
			check.Equal(t, objects.FormOf([]byte(text)), form, "%.50q: form", text)
		}
	}
}

// A descriptor is parsed by its form. SDDL can have aliases of the domain and types as numbers.
func TestDescriptorIsParsedByItsForm(t *testing.T) {
	raw := check.Must(sddl.Parse(readers, sddl.Options{})).Binary()
	h, b := hex.EncodeToString(raw), base64.StdEncoding.EncodeToString(raw)
	for text, want := range map[string]string{"O:DA": "O:S-1-5-21-1-2-3-512", h: readers, b: readers,
		"D:(0x20;;;;;;#00000000)": "D:(0x20;;;;;;#00000000)", b[:20] + "=" + b[21:]: "sdBase64: illegal base64 data",
		"O:": "at byte 2", "": objects.ErrNoDescriptor.Error()} {
		d, err := objects.ParseDescriptor(text, sid.MustParse("S-1-5-21-1-2-3"))
		got := fmt.Sprint(err)
		if err == nil {
			got = check.Must(sddl.Format(d, sddl.Options{Extended: true}))
		}
		check.That(t, strings.Contains(got, want), "%q: %s, want %s", text, got, want)
	}
}

// Each type has the name by which ObjectTypeByName knows it, so that a written object is read as the same one.
func TestTypeNameIsReadBack(t *testing.T) {
	for name := range strings.FieldsSeq("file directory key token process thread job objectDirectory symbolicLink " +
		"event port directoryService mutant semaphore timer section desktop windowStation policy") {
		check.Equal(t, objects.TypeName(winnt.ObjectTypeByName(name)), name, "type")
	}
	check.Equal(t, objects.TypeName(nil), "file", "no type")
	notes := map[string]bool{}
	for n := range objects.NoteCollected + 1 {
		notes[n.String()] = true
	}
	check.Equal(t, len(notes), int(objects.NoteCollected)+1, "different texts of notes")
}
