package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// fmt -w keeps the byte order mark and the line ends that editors of Windows write. It names UTF-16, which it does not
// read, and leaves the file.
func TestFmtKeepsEncodingOfFile(t *testing.T) {
	for text, want := range map[string]string{
		"\ufeffD:(a;;FR;;;WD)\r\n# all\r\n\r\nD:(a;;FA;;;BA)": "\ufeffD:(A;;FR;;;WD)\r\n# all\r\n\r\nD:(A;;FA;;;BA)",
		"\ufeff# all\nD:(a;;FR;;;WD)\n":                       "\ufeff# all\nD:(A;;FR;;;WD)\n",
		"\xff\xfeD\x00:\x00":                                  "",
		"\xfe\xff\x00D\x00:":                                  "",
		"D\x00:\x00":                                          "",
	} {
		file := filepath.Join(t.TempDir(), "shares.sddl")
		check.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		var out, errs bytes.Buffer
		code, wantCode, complaint := run([]string{"fmt", "-w", file}, &streams{out: &out, err: &errs}), exitGranted, ""
		if want == "" {
			want, wantCode, complaint = text, exitMalformed, "refmon: "+file+" is UTF-16: save it as UTF-8\n"
		}
		check.That(t, code == wantCode && errs.String() == complaint, "fmt -w of %q: exit code %d, %s", text, code,
			&errs)
		check.Equal(t, string(check.Must(os.ReadFile(file))), want, "%q after fmt -w", text)
		// A program that reads the output would take the mark for text.
		out.Reset()
		if code := run([]string{"fmt", file}, &streams{out: &out, err: &errs}); code == exitGranted {
			check.Equal(t, out.String(), strings.TrimPrefix(want, "\ufeff"), "fmt of %q", text)
		}
	}
	var errs bytes.Buffer
	run([]string{"fmt", "no\nsuch"}, &streams{out: &errs, err: &errs})
	check.Equal(t, strings.Count(errs.String(), "\n"), 1, "lines of the error about a path with a line feed: %s", &errs)
}
