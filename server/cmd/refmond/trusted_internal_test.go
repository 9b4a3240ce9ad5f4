package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestEachLinkToTrustedFileIsChecked checks that another user who can replace a link on the way to a trusted file is
// reported: one to which another link leads, one to a file that does not exist yet, and one in a sticky folder (L-76).
func TestEachLinkToTrustedFileIsChecked(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not root: the owners of files cannot be changed")
	}
	dir := check.Must(filepath.EvalSymlinks(t.TempDir()))
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, sub := range []string{"etc", "open", "sticky", "his", "his/run"} {
		check.NoError(t, os.Mkdir(at(sub), 0o755))
	}
	check.NoError(t, errors.Join(os.WriteFile(at("etc/real"), nil, 0o600), os.Chmod(at("open"), 0o777),
		os.Chmod(at("sticky"), 0o777|os.ModeSticky), os.Chown(at("his"), 1000, 1000),
		os.Symlink("../open/link", at("etc/far")), os.Symlink(at("etc/real"), at("open/link")),
		os.Symlink(at("etc/real"), at("sticky/link")), os.Lchown(at("sticky/link"), 1000, 1000),
		os.Symlink(at("etc/real"), at("sticky/own")), os.Symlink("real", at("etc/near")),
		os.Symlink(at("his/run"), at("etc/run"))))
	for _, c := range []struct {
		path   string
		socket bool
		want   string
	}{{"etc/far", false, "chmod go-w D/open"}, {"sticky/link", false, "chown -h 0 D/sticky/link"},
		{"etc/run/s.sock", true, "chown 0 D/his"}, {"etc/near", false, ""}, {"sticky/own", false, ""}} {
		err := (trustedPath{what: "keytab", path: at(c.path), socket: c.socket}).check()
		got := ""
		if err != nil {
			_, got, _ = strings.Cut(strings.ReplaceAll(err.Error(), dir, "D"), ": ch")
			got = "ch" + got
		}
		check.Equal(t, got, c.want, "%s: %v: the repair", c.path, err)
	}
}
