package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
)

// TestDoctorNamesEachProblemWithRepair checks that doctor finds no fault in a healthy daemon, and names each fault with
// its repair.
func TestDoctorNamesEachProblemWithRepair(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "refmond.yaml")
	text := fmt.Sprintf("state: %s/state\nsocket: %[1]s/s\nadminSocket: %[1]s/a\nlog: {level: error}\n"+
		"audit: {keep: false}\n", dir)
	check.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	doctor := func() (string, int) {
		code, out, _ := runLine("doctor", "--config", file)
		return out, code
	}
	if found, code := doctor(); code != exitMalformed || !strings.Contains(found, "WRONG socket       ") ||
		!strings.Contains(found, "start refmond") {
		t.Errorf("before there is a daemon: %d\n%s", code, found)
	}
	written(t, file, strings.Replace(text, "keep: false", "keep: true", 1))
	found, _ := doctor()
	check.That(t, strings.Count(found, "  audit  ") == 1 && strings.Contains(found, "unknown, no daemon answers"),
		"the audit log before there is a daemon:\n%s", found)
	written(t, file, text)
	state := filepath.Join(dir, "state")
	check.Equal(t, statusFile(state), "/proc/self/status", "the capabilities without a daemon")
	cfg, err := load(file)
	check.NoError(t, err)
	defer served(t, cfg)()
	check.Equal(t, statusFile(state), fmt.Sprintf("/proc/%d/status", os.Getpid()), "the capabilities of the daemon")
	if found, code := doctor(); code != exitSuccess || strings.Contains(found, "WRONG") ||
		!strings.Contains(found, "ok    state") ||
		!strings.Contains(found, "ok    adminSocket  "+cfg.AdminSocket+" answers") ||
		!strings.Contains(found, "note  audit        no records are kept (audit.keep)") {
		t.Errorf("doctor of a healthy daemon: exit code %d, want 0 and ok lines\n%s", code, found)
	}
}

// TestOnlyWrongFindingsFailDoctor runs each check of doctor alone. Its finding is ok, note or WRONG; only WRONG causes
// exit code 2.
func TestOnlyWrongFindingsFailDoctor(t *testing.T) {
	dir := t.TempDir()
	place := func(name string, mode os.FileMode) string {
		at := filepath.Join(dir, name)
		check.NoError(t, errors.Join(os.MkdirAll(at, 0o700), os.Chmod(at, mode)))
		return at
	}
	stale := check.Must(net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "stale"), Net: "unix"}))
	stale.SetUnlinkOnClose(false)
	check.NoError(t, stale.Close())
	trail := func(s auditlog.State, failed, ended string) func(*checkUp) {
		return func(k *checkUp) { k.trailState(&trailReport{trailState: trailState{s, failed, ended}}) }
	}
	for _, c := range []struct {
		name    string
		inspect func(*checkUp)
		lines   []string // the beginning of each finding
		wrong   bool
	}{
		{"no state", func(k *checkUp) { k.state(filepath.Join(dir, "none")) }, []string{"WRONG state        " + dir +
			"/none: no such file"}, true},
		{"a state of its own", func(k *checkUp) { k.state(place("own", 0o700)) }, []string{"ok    state        " + dir +
			"/own is uid "}, false},
		{"others may look", func(k *checkUp) { k.state(place("seen", 0o705)) },
			[]string{"note  state        others can look into " + dir + "/seen (mode 705)"}, false},
		{"a group may look", func(k *checkUp) { k.state(place("seen", 0o740)) }, []string{"note  state        others"},
			false},
		{"a group may write", func(k *checkUp) { k.state(place("open", 0o720)) },
			[]string{"WRONG state        others can write to " + dir + "/open (mode 720)"}, true},
		{"others may write", func(k *checkUp) { k.state(place("open", 0o702)) }, []string{"WRONG state        others"}, true},
		{"state directories", func(k *checkUp) { place("own/audit", 0o700); k.state(place("own", 0o700)) },
			[]string{"ok    state", "ok    store        audit is there"}, false},
		{"a disk", func(k *checkUp) { k.disk("/proc") }, []string{"WRONG disk         0 MiB free"}, true},
		{"too little room", func(k *checkUp) { k.room(256<<20 - 1) }, []string{"WRONG disk         255 MiB free"}, true},
		{"room enough", func(k *checkUp) { k.room(256 << 20) }, []string{"ok    disk         256 MiB free"}, false},
		{"no disk", func(k *checkUp) { k.disk(filepath.Join(dir, "none")) }, nil, false},
		{"no socket", func(k *checkUp) { k.socket("adminSocket", filepath.Join(dir, "none")) },
			[]string{"WRONG adminSocket  " + dir + "/none does not exist"}, true},
		{"no listener", func(k *checkUp) { k.socket("socket", filepath.Join(dir, "stale")) },
			[]string{"WRONG socket       " + dir + "/stale is left over"}, true},
		{"no folder", func(k *checkUp) { k.socket("socket", filepath.Join(dir, "stale", "s")) },
			[]string{"WRONG socket       " + dir + "/stale/s: "}, true},
		{"an old clock", func(k *checkUp) { k.clock(time.Date(2024, 12, 31, 23, 59, 59, 0, time.UTC)) },
			[]string{"WRONG clock        it is 2024-12-31T23:59:59Z here"}, true},
		{"a clock", func(k *checkUp) { k.clock(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)) },
			[]string{"ok    clock        2025-01-01T00:00:00Z"}, false},
		{"no capability", func(k *checkUp) {
			k.capabilities(written(t, filepath.Join(dir, "a"), "A: 1\nCapEff:\t0000\n"), false)
		}, []string{"ok    capabilities none"}, false},
		{"capabilities", func(k *checkUp) {
			k.capabilities(written(t, filepath.Join(dir, "a"), "CapEff:\t0010\nB:\n"), false)
		}, []string{"note  capabilities 0010: none is needed"}, false},
		{"no status", func(k *checkUp) { k.capabilities(filepath.Join(dir, "none"), true) },
			[]string{"note  capabilities unknown"}, false},
		{"capabilities for trees", func(k *checkUp) {
			k.capabilities(written(t, filepath.Join(dir, "a"), "CapEff:\t20000e\n"), true)
		}, []string{"ok    capabilities those that trees need"}, false},
		{"no capability for trees", func(k *checkUp) {
			k.capabilities(written(t, filepath.Join(dir, "a"), "CapEff:\t0000000000000006\n"), true)
		}, []string{"WRONG capabilities CAP_FOWNER is missing: times and permissions",
			"WRONG capabilities CAP_SYS_ADMIN is missing: descriptors"}, true},
		{"none at all for trees", func(k *checkUp) {
			k.capabilities(written(t, filepath.Join(dir, "a"), "CapEff:\t0\n"), true)
		}, slices.Repeat([]string{"WRONG capabilities CAP_"}, len(ofTrees)), true},
		{"no descriptors", func(k *checkUp) { k.descriptors("p", hostfs.HandOutNothing, unix.EPERM) },
			[]string{"WRONG trees        p: clients get no descriptors: operation not permitted"}, true},
		{"no descriptors, as configured", func(k *checkUp) { k.descriptors("p", hostfs.HandOutNothing, nil) }, nil,
			false},
		{"descriptors for reading", func(k *checkUp) { k.descriptors("p", hostfs.HandOutReads, nil) },
			[]string{"ok    trees        p: clients get descriptors for reading"}, false},
		{"descriptors for writing", func(k *checkUp) { k.descriptors("p", hostfs.HandOutWrites, nil) },
			[]string{"ok    trees        p: clients get descriptors for reading, and for writing"}, false},
		{"no mounts", func(k *checkUp) { k.forBackup(&treeConfig{}); k.covered(&treeConfig{}) }, nil, false},
		{"no mount for backup", func(k *checkUp) { k.forBackup(&treeConfig{name: "p", backup: dir}) },
			[]string{"WRONG trees        p: the tree is not mounted for backup at " + dir + ": "}, true},
		{"no folder for backup", func(k *checkUp) { k.forBackup(&treeConfig{name: "p", backup: dir + "/none"}) },
			[]string{"WRONG trees        p: backup: " + dir + "/none does not exist"}, true},
		{"no mount", func(k *checkUp) { k.covered(&treeConfig{name: "p", mount: dir}) },
			[]string{"WRONG trees        p: not mounted at " + dir + ": "}, true},
		{"no folder for a mount", func(k *checkUp) { k.covered(&treeConfig{name: "p", mount: dir + "/none"}) },
			[]string{"WRONG trees        p: mount: " + dir + "/none does not exist"}, true},
		{"an audit log with lost records", trail(auditlog.State{Lost: 2}, "no space", ""),
			[]string{"note  audit        2 records were lost"}, false},
		{"an audit log without a new checkpoint", trail(auditlog.State{}, "make a checkpoint of the audit log: no space", ""),
			[]string{"note  audit        the last failure, at 0001-01-01T00:00:00Z: make a checkpoint of the audit log: "},
			false},
		{"a stopped audit log", trail(auditlog.State{Lost: 2}, auditlog.ErrStopped.Error(), ""),
			[]string{"WRONG audit        the audit log is full and set to stop; records 0 to 0"}, true},
		{"an audit log that ended", trail(auditlog.State{Lost: 2}, "no space", "a broken disk"),
			[]string{"WRONG audit        a broken disk; records 0 to 0"}, true},
		{"an audit log without a reserve", trail(auditlog.State{Reserve: 2}, "", ""),
			[]string{"note  audit        the file system cannot preallocate"}, false},
		{"an audit log on a disk without an answer", trail(auditlog.State{Free: -1}, "", ""),
			[]string{"ok    audit        records 0 to 0, since 0001-01-01T00:00:00Z; 0 KiB; 0 of 0 KiB in reserve, " +
				"the free space is unknown"}, false},
		{"no folder for attributes", func(k *checkUp) { k.attributes(filepath.Join(dir, "none")) }, nil, false},
	} {
		var out bytes.Buffer
		k := &checkUp{std: &streams{out: &out}}
		c.inspect(k)
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		same := len(lines) == max(1, len(c.lines)) && k.fail == c.wrong
		for i, want := range c.lines {
			same = same && strings.HasPrefix(lines[i], want)
		}
		if !same || c.lines == nil && out.Len() > 0 {
			t.Errorf("%s: wrong %t\n%s\nwant %q, %t", c.name, k.fail, out.String(), c.lines, c.wrong)
		}
	}
	out := leftovers{in: place("own", 0o700)}
	k := &checkUp{std: &streams{out: &out}}
	k.attributes(out.in)
	if out.err != nil || len(out.left) > 0 || k.fail || !strings.Contains(out.String(), " attributes   the disk keeps ") {
		t.Errorf("attributes: left %v, %v\n%s", out.left, out.err, out.String())
	}
	file := written(t, filepath.Join(dir, "c.yaml"), "state: "+dir+"\nkerberos: {keytab: "+dir+", realm: R}\n")
	if code, out, _ := runLine("doctor", "--config", file); code != exitMalformed ||
		!strings.Contains(out, "WRONG config       keytab "+dir+": it is not a file\n") {
		t.Errorf("a configuration that names a wrong file: exit code %d\n%s", code, out)
	}
	file = written(t, filepath.Join(dir, "c.yaml"), "nonsense: 1\n")
	if code, out, _ := runLine("doctor", "--config", file); code != exitMalformed ||
		!strings.HasPrefix(out, "WRONG config       ") || strings.Count(out, "\n") != 1 {
		t.Errorf("a wrong configuration: exit code %d\n%s", code, out)
	}
}

// leftovers keeps the output and, at each write, the names of doctor's temporary files. A write to a closed pipe ends
// the program, so doctor must remove them before it writes.
type leftovers struct {
	bytes.Buffer
	in   string
	left []string
	err  error
}

func (l *leftovers) Write(b []byte) (int, error) {
	left, err := filepath.Glob(filepath.Join(l.in, "doctor-*"))
	l.left, l.err = append(l.left, left...), errors.Join(l.err, err)
	return l.Buffer.Write(b)
}
