package lint

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// TestDescriptorLinesKeepTheirNumbers checks that a line is SDDL or a row of an objects file with one descriptor, in
// each form. Blank lines and comments are skipped, and lines keep their numbers.
func TestDescriptorLinesKeepTheirNumbers(t *testing.T) {
	const text = "O:BAG:SYD:(A;;FR;;;WD)"
	bin := sddl.MustParse(text).Binary()
	hexed, coded := hex.EncodeToString(bin), base64.StdEncoding.EncodeToString(bin)
	rows := []struct{ line, want string }{ // "": the line is skipped
		{"#" + strings.Repeat("x", maxLine/2), ""}, {"", ""}, {text, "SDDL " + text}, {"  ", ""},
		{`{"path":"/p","sd":"` + text + `"}`, "/p SDDL " + text},
		{`{"sdHex":"` + hexed + `","sd":null,"path":"h","type":"file"}`, "h bytes " + hexed},
		{`{"sdBase64":"` + coded + `","path":null,"sd":""}`, "bytes " + hexed},
		{hexed, "bytes " + hexed}, {coded, "bytes " + hexed},
		{"nTSecurityDescriptor:: " + coded[:20], "bytes " + hexed}, {" " + coded[20:], ""}, {text, "SDDL " + text},
		{`{"path":"/p"}`, "/p error: the row has no sd, sdHex or sdBase64"},
		{`{"sd":"D:","sdHex":"` + hexed + `"}`, "error: the row has more than one of sd, sdHex, sdBase64"},
		{`{"sd":"D:","sdBase64":"` + coded + `"}`, "error: the row has more than one of sd, sdHex, sdBase64"},
		{`{"sd":"D:","type":"x"}`, `error: "x" is not an object type`},
		{`{"sdHex":"0g"}`, "error: encoding/hex: invalid byte: U+0067 'g'"},
		{`{"sdBase64":"!"}`, "error: illegal base64 data at input byte 0"}, {`{"sdHex":"0100"}`, "error: "},
		{`{"sd":7}`, "error: sd: want a string, found 7"},
		{`{"SD":"D:"}`, `error: byte 1: unknown field "SD": write it "sd"`}, {text, "SDDL " + text},
		{" D:", "SDDL D:"}, // SDDL does not continue on the next line
	}
	var file strings.Builder
	for _, r := range rows {
		fmt.Fprintln(&file, r.line)
	}
	got := map[int]string{}
	for _, l := range check.Must(Lines([]byte(file.String()))) {
		var words []string
		switch {
		case l.Err != nil:
			words = []string{l.Path, "error:", l.Err.Error()}
		case l.Descriptor != nil:
			words = []string{l.Path, "bytes", hex.EncodeToString(l.Descriptor.Binary())}
			check.Equal(t, l.Type == winnt.FileObject, l.Path == "h", "type of line %d is file", l.Number)
		default:
			words = []string{l.Path, "SDDL", l.Text}
		}
		got[l.Number-1] = strings.TrimSpace(strings.Join(words, " "))
	}
	for i, r := range rows {
		check.That(t, got[i] == r.want || r.want == "error: " && strings.HasPrefix(got[i], r.want),
			"line %d: %q, want %q", i, got[i], r.want)
	}
	lines, err := Lines([]byte(text + "\n" + strings.Repeat("x", maxLine)))
	check.That(t, len(lines) == 1 && err != nil, "%d lines, error %v, want the first and an error", len(lines), err)
	lines, err = Lines([]byte("\xff\xfeD\x00:\x00\n\x00")) // as PowerShell writes a file
	check.That(t, len(lines) == 1 && lines[0].Text == "D:" && err == nil, "UTF-16: %v, %v, want one line with D:", lines,
		err)
}

// The first characters distinguish SDDL from a file name, and the first line LDIF from descriptors.
func TestFormOfInputIsRecognized(t *testing.T) {
	for arg, want := range map[string]bool{" D:": true, `D:\x`: false, "D:/x": false, "D": false,
		`D:(XA;;FA;;;WD;(@User.a=="b/c\d"))`: true, "\tS:": true, "O:": true,
		"G:": true, "X:": false} {
		check.Equal(t, IsText(arg), want, "IsText(%s)", arg)
	}
	for file, want := range map[string]bool{"dn: DC=x\nD:": true, "Version: 1": true, "D:\ndn: x": false, "": false} {
		check.Equal(t, IsLDIF(check.Must(Lines([]byte(file)))), want, "IsLDIF(%q)", file)
	}
}
