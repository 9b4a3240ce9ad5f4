package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/lsa"
)

// TestFoldersWritableByOthersBlockStart checks that refmond does not start, and that doctor reports WRONG, if others
// can write to one of its folders. The message names the command that repairs it (L-76).
func TestFoldersWritableByOthersBlockStart(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not root: the owners of files cannot be changed")
	}
	for name, c := range map[string]struct {
		mutate func(dir string) error
		repair string // below the folder of the test
	}{
		"nothing": {func(string) error { return nil }, ""},
		"a configuration for all": {func(d string) error { return os.Chmod(d+"/etc/c.yaml", 0o666) },
			"chmod go-w D/etc/c.yaml"},
		"a configuration for a group": {func(d string) error { return os.Chmod(d+"/etc/c.yaml", 0o664) },
			"chmod go-w D/etc/c.yaml"},
		"a user's configuration": {func(d string) error { return os.Chown(d+"/etc/c.yaml", 1000, 1000) },
			"chown 0 D/etc/c.yaml"},
		"the configuration's folder": {func(d string) error { return os.Chmod(d+"/etc", 0o777) }, "chmod go-w D/etc"},
		"a user's folder":            {func(d string) error { return os.Chown(d+"/etc", 1000, 1000) }, "chown 0 D/etc"},
		"the state folder":           {func(d string) error { return os.Chmod(d+"/state", 0o777) }, "chmod go-w"},
		"a user's state folder": {func(d string) error { return os.Chown(d+"/state", 1000, 1000) },
			"run refmond as that user, or chown -R 0 D/state\n"},
		"accounts for all": {func(d string) error { return os.Chmod(d+"/state/accounts.db", 0o666) },
			"chmod go-w D/state/accounts.db"},
		"accounts that all read": {func(d string) error { return os.Chmod(d+"/state/accounts.db", 0o644) },
			"chmod go= D/state/accounts.db"},
		"accounts that a group reads": {func(d string) error { return os.Chmod(d+"/state/accounts.db", 0o640) },
			"chmod go= D/state/accounts.db"},
		"a user's accounts": {func(d string) error { return os.Chown(d+"/state/accounts.db", 1000, 1000) },
			"chown 0 D/state/accounts.db"},
		"all files of another user": {func(d string) error {
			return errors.Join(os.Chown(d+"/state/accounts.db", 1000, 1000), os.Chown(d+"/run", 1000, 1000),
				os.Chown(d+"/state", 1000, 1000))
		}, "run refmond as that user, or chown -R 0 D/state\n"},
		"the trail": {func(d string) error { return os.Chmod(d+"/state/audit", 0o777|os.ModeSticky) },
			"chmod go-w D/state/audit"},
		"the lock": {func(d string) error { return os.Chmod(d+"/state/lock", 0o666) }, "chmod go-w D/state/lock"},
		"a socket and a link in the state folder": {func(d string) error {
			return errors.Join(unix.Mknod(d+"/state/s", unix.S_IFSOCK, 0), os.Chmod(d+"/state/s", 0o666),
				os.Symlink("/dev/null", d+"/state/l"))
		}, ""},
		"the socket's folder": {func(d string) error { return os.Chmod(d+"/run", 0o777) }, "chmod go-w D/run"},
		"a sticky folder": {func(d string) error { return os.Chmod(d+"/run", 0o777|os.ModeSticky) },
			"chmod go-w D/run"},
		"the folder above all": {func(d string) error { return os.Chmod(d, 0o777) }, "chmod go-w D"},
		"a link in a folder of others": {func(d string) error {
			if err := os.Mkdir(d+"/open", 0o700); err != nil {
				return err
			}
			_ = os.Chmod(d+"/open", 0o777)
			return os.Symlink(d+"/run", d+"/open/admin")
		}, "chmod go-w D/open"},
	} {
		dir, err := filepath.EvalSymlinks(t.TempDir())
		check.NoError(t, err)
		for _, sub := range []string{"etc", "run"} {
			check.NoError(t, os.Mkdir(filepath.Join(dir, sub), 0o755))
		}
		admin := dir + "/run/admin.sock"
		if strings.HasPrefix(name, "a link") {
			admin = dir + "/open/admin/admin.sock"
		}
		file := filepath.Join(dir, "etc", "c.yaml")
		text := "state: " + dir + "/state\nsocket: " + dir + "/run/s.sock\nadminSocket: " + admin +
			"\naudit: {required: false}\n"
		check.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		begin := func() error {
			cfg, err := load(file)
			check.NoError(t, err)
			s, err := start(cfg, &streams{out: new(strings.Builder), err: new(strings.Builder)})
			if err != nil {
				return err
			}
			return s.stop()
		}
		if c.repair != "chmod go-w D/open" {
			if err := begin(); err != nil { // creates the state folder
				t.Fatalf("%s: %v", name, err)
			}
		}
		check.NoError(t, c.mutate(dir))
		want := strings.Replace(c.repair, "D", dir, 1)
		if err := begin(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error()+"\n", want) {
			t.Errorf("L-76: %s: %v, want a refusal with %q", name, err, want)
		}
		var out strings.Builder
		_ = (&doctorCmd{Config: file}).Run(&streams{out: &out, err: &out})
		if wrong := strings.Contains(out.String(), "WRONG places"); wrong != (want != "") ||
			!strings.Contains(out.String(), want) {
			t.Errorf("L-76: %s: doctor printed %s, want %q", name, out.String(), want)
		}
	}
	// A secret that others can read is refused, too.
	state := t.TempDir()
	open := filepath.Join(state, "open")
	check.NoError(t, errors.Join(os.WriteFile(open, nil, 0o600), os.Chmod(open, 0o644)))
	for what, s := range map[string]settings{"keytab": {Kerberos: tickets{Keytab: open}},
		"directory.passwordFile": {Directory: directory{PasswordFile: open}}} {
		s.State = state
		err := (&config{settings: s}).checkTrusted()
		check.That(t, err != nil && strings.Contains(err.Error(), what+" "+open+": others can read it"),
			"L-76: %s that all read: %v", what, err)
	}
	own := check.Must(os.ReadFile("/proc/self/uid_map")) // 65534 is a user only where every uid is mapped
	check.Equal(t, unmapped(lsa.Unmapped), !slices.Equal(strings.Fields(string(own)), []string{"0", "0", "4294967295"}),
		"L-76: a file of nobody is trusted")
	// The name of an abstract socket is not a path.
	loose := t.TempDir()
	check.NoError(t, os.Chmod(loose, 0o777))
	abstract := settings{State: t.TempDir(), Socket: "@" + strings.Repeat("/..", 99) + loose + "/s"}
	check.NoError(t, (&config{settings: abstract}).checkTrusted())
}

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
		os.Symlink("real", at("etc/given")), os.Lchown(at("etc/given"), 1000, 1000),
		os.Symlink(at("his/run"), at("etc/run")), os.WriteFile(at("his/real"), nil, 0o600),
		os.Symlink("run/../real", at("etc/up")), // his/real, not etc/real
		os.Symlink(at("etc"), at("sticky/dir")), os.Lchown(at("sticky/dir"), 1000, 1000),
		os.Symlink(at("sticky/dir/real"), at("etc/via"))))
	for _, c := range []struct {
		path   string
		socket bool
		want   string
	}{{"etc/far", false, "chmod go-w D/open"}, {"sticky/link", false, "chown -h 0 D/sticky/link"},
		{"etc/run/s.sock", true, "chown 0 D/his"},
		{"etc/up", false, "chown 0 D/his"}, {"etc/via", false, "chown -h 0 D/sticky/dir"},
		{"etc/near", false, ""}, {"etc/given", false, ""},
		{"sticky/own", false, ""}} {
		err := (trustedPath{what: "keytab", path: at(c.path), socket: c.socket}).check()
		got := ""
		if err != nil {
			_, got, _ = strings.Cut(strings.ReplaceAll(err.Error(), dir, "D"), ": ch")
			got = "ch" + got
		}
		check.Equal(t, got, c.want, "%s: %v: the repair", c.path, err)
	}
}

// TestContainsFollowsLinks checks that a directory contains a file that a symbolic link leads to, if the directory is
// named by a link as well, and that it contains a link on the way to a file (L-76).
func TestContainsFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	check.NoError(t, errors.Join(os.MkdirAll(at("tree/state"), 0o700), os.Mkdir(at("own"), 0o700),
		os.Symlink(at("tree/state"), at("state")), os.Symlink("tree", at("link")), os.Symlink(at("own"), at("tree/out"))))
	for _, c := range []struct {
		dir, file string
		want      bool
	}{
		{"tree", "state/accounts.db", true}, {"link", "state/accounts.db", true}, {"link", "tree/x", true},
		{"tree", "tree/out/x", true}, {"tree", "own/x", false}, {"own", "tree/out/x", true}, {"own", "state", false},
	} {
		check.Equal(t, contains(at(c.dir), at(c.file)), c.want, "L-76: %s contains %s", c.dir, c.file)
	}
	for _, c := range []struct {
		dir, tree string
		want      bool
	}{
		{"tree", "tree", false}, {"link", "tree", false}, {"link", "tree/state", true}, {"tree", "state", true},
		{".", "tree", true}, {"own", "tree", false}, {"none", "tree", false},
	} {
		check.Equal(t, covers(at(c.dir), at(c.tree)), c.want, "M-39: a mount on %s covers more than %s", c.dir, c.tree)
	}
}
