package deploy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/diskio"
	"github.com/refmon/refmon/server/index/cluster/site"
)

// Plan is the difference between a site file and a folder. [Compare] returns one.
type Plan struct {
	file    *File
	out     string
	folders []folder // keys, then the machines by name
	gone    []former // by name
	faults  diskio.Faults
}

// former is a machine that the site file no longer has.
type former struct {
	name  string
	units []string // of its programs, sorted; nil if an interrupted run wrote none
}

// folder lists how one subfolder must change: the names of added, changed and removed files, each sorted.
type folder struct {
	name                    string
	want                    files
	added, changed, removed []string
}

// same reports whether the subfolder needs no change.
func (d *folder) same() bool { return len(d.added)+len(d.changed)+len(d.removed) == 0 }

// writes reports whether a file is new or changed.
func (d *folder) writes(name string) bool {
	return slices.Contains(d.added, name) || slices.Contains(d.changed, name)
}

// Compare returns what differs between the site file f and the folder out, which need not exist. It creates missing
// keys in memory and writes nothing. It returns an error for an entry of out or of a subfolder that no earlier run can
// have written, and for a change that a site cannot make. It ignores lost+found in out, which a new file system has.
// Files that the site no longer needs are part of the difference: [Plan.Write] removes them. A folder of a machine that
// f no longer has is part of the difference, too, and removed.
func Compare(f *File, out string) (*Plan, error) {
	p := &Plan{file: f, out: out}
	old, err := readFolder(filepath.Join(out, keysFolder))
	if err != nil {
		return nil, err
	}
	k, err := f.keys(old)
	if err != nil {
		return nil, err
	}
	p.folders = append(p.folders, difference(keysFolder, old, k.files()))
	for _, name := range slices.Sorted(maps.Keys(f.Machines)) {
		old, err := readFolder(filepath.Join(out, name))
		if err != nil {
			return nil, err
		}
		want, err := f.machine(name, k, old)
		if err != nil {
			return nil, fmt.Errorf("machine %s: %w", name, err)
		}
		p.folders = append(p.folders, difference(name, old, want))
	}
	list, err := os.ReadDir(out)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	for _, e := range list {
		if e.Name() == keysFolder || f.Machines[e.Name()] != nil || e.Name() == "lost+found" {
			continue
		}
		if _, err := os.Stat(filepath.Join(out, e.Name(), site.SiteName)); err != nil {
			return nil, fmt.Errorf("%s: not a folder of refmon-index site: move it", filepath.Join(out, e.Name()))
		}
		old, err := readFolder(filepath.Join(out, e.Name()))
		if err != nil {
			return nil, err
		}
		gone := former{name: e.Name()}
		for _, n := range slices.Sorted(maps.Keys(old)) {
			if path.Ext(n) == ".service" {
				gone.units = append(gone.units, n)
			}
		}
		p.gone = append(p.gone, gone)
	}
	return p, nil
}

// difference compares the files of a folder with those that it should have, and returns the added, changed and
// removed names, each sorted. Nil for old means a new folder. It reads and writes no file.
func difference(name string, old, want files) folder {
	d := folder{name: name, want: want}
	for _, n := range slices.Sorted(maps.Keys(want)) {
		switch text, exists := old[n]; {
		case !exists:
			d.added = append(d.added, n)
		case !bytes.Equal(text, want[n]):
			d.changed = append(d.changed, n)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(old)) {
		if _, kept := want[n]; !kept {
			d.removed = append(d.removed, n)
		}
	}
	return d
}

// Write makes the folder equal to the site file. It writes files that differ, with mode 0600, and removes the files
// that the site no longer needs. It removes the whole subfolder of a machine that the site no longer has. It writes the
// secrets of the site first, and each file completely or not at all. Without an error, all files survive a power
// failure. After an error, another run continues.
func (p *Plan) Write() error {
	for i := range p.folders {
		d := &p.folders[i]
		dir := filepath.Join(p.out, d.name)
		if err := p.makeFolder(dir); err != nil {
			return err
		}
		for _, n := range slices.Concat(d.added, d.changed) {
			if err := p.faults.Replace(filepath.Join(dir, n), d.want[n], 0o600); err != nil {
				return err
			}
		}
		for _, n := range d.removed {
			if err := os.Remove(filepath.Join(dir, n)); err != nil && !os.IsNotExist(err) { // Replace may have removed n
				return err
			}
		}
	}
	for _, m := range p.gone {
		if err := os.RemoveAll(filepath.Join(p.out, m.name)); err != nil {
			return err
		}
	}
	return nil
}

// makeFolder creates a folder and its missing parents with mode 0700, and makes their names durable: without its name,
// the keys in a folder are lost (N-124). An existing folder stays as it is.
func (p *Plan) makeFolder(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	above := filepath.Dir(dir)
	if err := p.makeFolder(above); err != nil {
		return err
	}
	return errors.Join(os.Mkdir(dir, 0o700), p.faults.SyncDir(above))
}

// Print prints the difference of each subfolder, or "unchanged". For each machine with a difference it prints the
// command that installs its files. Before these commands come those that stop the programs of removed machines.
func (p *Plan) Print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: the secrets of the site; keep them, and on no machine: %s\n",
		filepath.Join(p.out, keysFolder), &p.folders[0])
	// First, because the same machine can be in the site under another name, and would stop its new programs.
	for _, m := range p.gone {
		fmt.Fprintf(&b, "\n%s: no longer in the site.", m.name)
		if m.units != nil { // systemctl disable accepts no pattern
			fmt.Fprintf(&b, " There, run: systemctl disable --now %s", strings.Join(m.units, " "))
		}
		b.WriteString("\n")
	}
	if slices.ContainsFunc(p.folders, func(d folder) bool { return d.writes(site.AccountName) }) {
		fmt.Fprintf(&b, "\nNATS servers: include the new %s of a machine in their configuration, and reload them.\n",
			site.AccountName)
	}
	for i := range p.folders[1:] {
		p.printMachine(&b, &p.folders[1+i])
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// printMachine prints the difference of a machine's subfolder, and the command that installs its files if there is one.
func (p *Plan) printMachine(b *strings.Builder, d *folder) {
	m := p.file.Machines[d.name]
	fmt.Fprintf(b, "\n%s (%s): %s\n", d.name, strings.Join(m.Runs, ", "), d)
	if d.same() {
		return
	}
	// -o: root runs the script, so a user with the operator's uid there must not own it (N-124). A folder with files
	// of others keeps its mode, because the script refuses it.
	fmt.Fprintf(b, "  tar -cC %s . | ssh root@%s 'mkdir -p %s && tar -xoC %[3]s --no-overwrite-dir && "+
		"sh %[3]s/install.sh'\n", quote(filepath.Join(p.out, d.name)), m.Address, m.Folder)
	if d.writes(directory + ".yaml") {
		fmt.Fprintf(b, "  needs %s\n", p.file.people())
	}
}

// people names the file that only the operator can provide and no run creates, and who must be able to read it: the
// LDAP password file, or the directory file.
func (f *File) people() string {
	if f.LDAP != nil {
		return f.LDAP.PasswordFile + ", which must belong to the user refmon-index and have mode 600"
	}
	return f.Directory + ", readable by the user refmon-index"
}

// String lists the new, changed and removed files in words, such as "new a; changed b c". It returns "unchanged" if
// there are none.
func (d *folder) String() string {
	if d.same() {
		return "unchanged"
	}
	var out []string
	for _, part := range []struct {
		word string
		list []string
	}{{"new", d.added}, {"changed", d.changed}, {"removed", d.removed}} {
		if len(part.list) > 0 {
			out = append(out, part.word+" "+strings.Join(part.list, " "))
		}
	}
	return strings.Join(out, "; ")
}

// quote returns a word for a command line that a user can paste into a shell, in single quotes if it needs them.
func quote(word string) string {
	if pathForm.MatchString(word) || addressForm.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
