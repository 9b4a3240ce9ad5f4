package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/ntacl"
)

// TestPrivateChecksFileFolderAndLinkCount checks that the file's descriptor, the descriptor of its folder and the
// number of its names decide.
func TestPrivateChecksFileFolderAndLinkCount(t *testing.T) {
	hostUsers(t)
	root := filepath.Join(t.TempDir(), "home")
	folders := map[string]string{"": quiet, "open": hers + "(A;;0x40;;;WD)", "new": hers + "(A;OIIO;FR;;;BU)"}
	for name, text := range folders {
		path := filepath.Join(root, name)
		must(t, os.MkdirAll(path, 0o755))
		describe(t, path, text)
	}
	for name, text := range map[string]string{"key": quiet, "twice": quiet, "open/key": quiet,
		"team": quiet + "(A;;FR;;;S-1-22-2-61100)", "bare": ""} {
		path := filepath.Join(root, name)
		must(t, os.WriteFile(path, nil, 0o600))
		if text != "" {
			describe(t, path, text)
		}
	}
	must(t, os.Link(filepath.Join(root, "twice"), filepath.Join(root, "again")))
	must(t, os.Symlink("key", filepath.Join(root, "link")))
	for name, c := range map[string]struct {
		code int
		want string // part of the output
	}{
		"key":      {0, "PRIVATE for alice (S-1-22-1-61000)"},
		"team":     {1, "staff (S-1-22-2-61100)\n  may read\n"},
		"open/key": {1, "Everyone (S-1-1-0)\n  may delete it through its folder"},
		"twice":    {1, "1 other name of the file"},
		"new":      {1, "Users (S-1-5-32-545)\n  may read, of new files and folders in it"},
		"":         {0, "PRIVATE for alice"},
		"link":     {2, "link: it is a symbolic link"},
		"bare":     {2, "no descriptor is stored in " + ntacl.UserName},
	} {
		code, out, errs := runLine("private", filepath.Join(root, name), "--for", "alice", "--attribute", ntacl.UserName)
		if got := out + errs; code != c.code || !strings.Contains(got, c.want) {
			t.Errorf("private %s: exit code %d, want %d:\n%s\nwant %s", name, code, c.code, got, c.want)
		}
	}
}
