package shares_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/objects/shares"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
)

// A share is a descriptor, a configuration or both, each at most once. A file is tried before FILE:SHARE.
func TestShareIsReadFromItsValues(t *testing.T) {
	files := map[string]string{"smb.conf": "[docs]\n[b]\n", "a:conf": "[c]\n", "": "[docs]\n",
		"registry": "[global]\nconfig backend = registry\n",
		"sec":      "[docs]\nREVISION:1\n[b]\nREVISION:1\nACL:S-1-1-0:ALLOWED/0/FULL\n"}
	read := func(name string) ([]byte, error) {
		if name == "closed" {
			return nil, fs.ErrPermission
		}
		if file, ok := files[name]; ok {
			return []byte(file), nil
		}
		return nil, fs.ErrNotExist
	}
	for values, want := range map[string]string{ // text, descriptor and share, or the error
		"": "||", "D:P": "D:P||", "smb.conf:docs": "||docs", "smb.conf:[b]": "||b", "a:conf": "||c", "a:conf:c": "||c",
		"sec:B": "|D:(A;;FA;;;WD)|", "D:P smb.conf:b": "D:P||b", "smb.conf:b sec:b": "|D:(A;;FA;;;WD)|b",
		"D:P S:":               "--share: a share has one descriptor",
		"sec:b D:P":            "--share: a share has one descriptor",
		"D:P sec:b":            "--share sec:b: a share has one descriptor",
		"sec:b sec:docs":       "--share sec:docs: a share has one descriptor",
		"smb.conf:docs a:conf": "--share a:conf: one share at a time",
		"smb.conf":             `--share smb.conf: share "": the file has the shares docs, b: give FILE:SHARE`,
		"registry:docs": `--share registry:docs: share "docs": the file has no share: for shares in the registry or in ` +
			"included files, give what net conf list or testparm -s prints",
		"sec":      "--share sec: the file has 2 shares: give FILE:SHARE",
		"closed":   "--share closed: permission denied",
		":docs":    "--share :docs: file does not exist",
		"dir/none": "--share dir/none: file does not exist",
		"none": "--share none: file does not exist; a share of a Samba server is named by its file, as in " +
			"smb.conf:none",
	} {
		s, err := shares.ReadSource(strings.Fields(values), read)
		got := fmt.Sprint(err)
		if err == nil {
			security, share := "", ""
			if s.Security != nil {
				security = check.Must(sddl.Format(s.Security, sddl.Options{}))
			}
			if s.Config != nil {
				share = s.Config.Share
			}
			got = s.Text + "|" + security + "|" + share
		}
		check.Equal(t, got, want, "%q", values)
	}
}

// A share that a person configures has a DACL (F-111), and no text that Windows would repair (S-80).
func TestConfiguredShareIsStrict(t *testing.T) {
	for text, want := range map[string]string{"D:(A;;FA;;;AU) (A;;FR;;;BU)": "", "D:": "", "O:BA": "want a DACL",
		"D:NO_ACCESS_CONTROL": "want a DACL", "D:(A;;0x1f01ff000;;;AU)": "at most 32 bits"} {
		_, err := shares.ParseDescriptor(text)
		check.That(t, (err == nil) == (want == "") && (err == nil || strings.Contains(err.Error(), want)),
			"%s: %v, want %q", text, err, want)
	}
}
