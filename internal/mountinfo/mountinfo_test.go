package mountinfo

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestParseReadsEachField reads lines in the form of proc_pid_mountinfo(5): with several and without optional fields,
// with escapes, with a Unicode space in a name, and with " - " in a source. A malformed line is an error.
func TestParseReadsEachField(t *testing.T) {
	got, err := Parse("36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue\n" +
		"37 36 0:30 /c\\040d /srv/a\\040b/c\u00a0d rw - fuse.refmon a\\043b rw\n" +
		"38 1 0:31 / / rw - tmpfs - rw\n" +
		"39 1 0:32 / /t rw - tmpfs  rw\n")
	check.NoError(t, err)
	check.SlicesEqual(t, got, []Mount{
		{"36", "35", "98:0", "/mnt1", "/mnt2", "ext3", "/dev/root"},
		{"37", "36", "0:30", "/c d", "/srv/a b/c\u00a0d", "fuse.refmon", "a#b"},
		{"38", "1", "0:31", "/", "/", "tmpfs", "-"},
		{"39", "1", "0:32", "/", "/t", "tmpfs", ""},
	}, "the mounts")
	for _, line := range []string{"short line\n", "36 35 98:0 / /mnt2 - ext3 /dev/root rw\n",
		"36 35 98:0 / /mnt2 rw ext3 /dev/root rw\n", "36 35 98:0 / /mnt2 rw - ext3 /dev/root\n", "\n"} {
		_, err := Parse(line)
		check.That(t, err != nil, "%q: no error", line)
	}
}

// TestDecodeKeepsMalformedEscapes checks the escapes of three octal digits. Any other backslash is kept (F-126).
func TestDecodeKeepsMalformedEscapes(t *testing.T) {
	for text, want := range map[string]string{`a\040b`: "a b", `\134\012`: "\\\n", `a\04`: `a\04`, `\`: `\`, `\0401`: " 1",
		`a\090b`: `a\090b`, `\777`: `\777`, `x\040`: "x ", `\040\040x`: "  x", "plain": "plain", "": ""} {
		check.Equal(t, decode(text), want, "%s", text)
	}
}
