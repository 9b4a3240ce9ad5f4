package lint

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
)

// TestDescriptorLinesKeepTheirNumbers checks that a line is SDDL or a row of an objects file with one descriptor, in
// each form. Blank lines and comments are skipped, and lines keep their numbers.
func TestDescriptorLinesKeepTheirNumbers(t *testing.T) {
	const text = "O:BAG:SYD:(A;;FR;;;WD)"
	d, err := sddl.Parse(text, sddl.Options{})
	check.NoError(t, err)
	bin := d.Binary()
	hexed, coded := hex.EncodeToString(bin), base64.StdEncoding.EncodeToString(bin)
	lines, err := Lines([]byte("# remark\n\n" + text + "\n  \n" + `{"path":"/p","sd":"` + text + `"}` + "\n" +
		`{"sdHex":"` + hexed + `","sd":null,"path":"h","type":"file"}` + "\n" + `{"sdBase64":"` + coded + `",` +
		`"path":null,"sd":""}` + "\n" + `{"path":"/p"}` + "\n" + `{"sd":"D:","sdHex":"` + hexed + `"}` + "\n" +
		`{"sd":"D:","sdBase64":"` + coded + `"}` + "\n" + `{"sdHex":"0g"}` + "\n" + `{"sdBase64":"!"}` + "\n" +
		`{"sdHex":"0100"}` + "\n" + `{"sd":7}` + "\n" + `{"SD":"D:"}` + "\n" + text + "\n D:"))
	check.NoError(t, err)
	want := []struct {
		number     int
		path, text string
		bytes      bool
		wrong      string
	}{
		{3, "", text, false, ""}, {5, "/p", text, false, ""}, {6, "h", "", true, ""}, {7, "", "", true, ""},
		{8, "/p", "", false, "no sd, sdHex or sdBase64"}, {9, "", "", false, "more than one"}, {10, "", "",
			false, "more than one"},
		{11, "", "", false, "invalid byte"}, {12, "", "", false, "illegal base64"}, {13, "", "", false, "."},
		{14, "", "", false, "sd: want a string"}, {15, "", "", false, "SD"}, {16, "", text, false, ""},
		{17, "", "D:", false, ""}, // the value of SDDL does not go on
	}
	check.That(t, IsText(" D:") && !IsText(`D:\x`) && !IsText("D:/x") && !IsText("D"),
		"a path is taken for SDDL, or SDDL is not")
	check.RequireThat(t, len(lines) == len(want), "%d lines, want %d", len(lines), len(want))
	for i, w := range want {
		l := lines[i]
		if l.Number != w.number || l.Path != w.path || (l.Err != nil) != (w.wrong != "") ||
			w.wrong != "." && l.Err != nil && !strings.Contains(l.Err.Error(), w.wrong) {
			t.Errorf("line %d: %+v, want %+v", i, l, w)
		}
		if w.wrong == "" && (l.Text != w.text || (l.Descriptor != nil) != w.bytes || w.bytes &&
			string(l.Descriptor.Binary()) != string(d.Binary())) {
			t.Errorf("line %d: %+v, want %+v", i, l, w)
		}
	}
}
