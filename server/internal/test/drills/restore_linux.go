package drills

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/ntacl"
)

// listing returns the n-th shell listing below a heading of a page of docs, counted from 0. A missing one ends the
// test.
func (m *machine) listing(page, heading string, n int) string {
	m.Helper()
	text, err := os.ReadFile("../../../../docs/" + page)
	m.must(err)
	_, below, ok := strings.Cut(string(text), "\n"+heading+"\n")
	all := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(below, -1)
	if !ok || n >= len(all) {
		m.Fatalf("docs/%s has no listing %d below %q", page, n, heading)
	}
	return all[n][1]
}

// operate runs the lines of a listing. Instead of systemctl start and stop it starts and stops the daemons: it stops
// all of them, and with the named ones it also starts the mount.
func (m *machine) operate(listing string) {
	m.Helper()
	for line := range strings.Lines(listing) {
		verb, units, ok := strings.Cut(strings.TrimSpace(line), " refmon")
		switch {
		case ok && verb == "systemctl stop":
			m.stopAll()
		case ok && verb == "systemctl start":
			for unit := range strings.FieldsSeq("refmon" + units) {
				m.begin(unit)
			}
			m.begin("refmond mount")
		default:
			m.does(line)
		}
	}
}

// answers asks every daemon about every file, and returns the answers by question. Two calls have different questions
// if files were created or deleted in between.
func (m *machine) answers() map[string]string {
	m.Helper()
	accounts := m.does("refmond account export; refmond account list; refmond account right list")
	all := map[string]string{"accounts": accounts}
	client := m.web()
	m.must(filepath.WalkDir(m.at("/srv"), func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		file := strings.TrimPrefix(name, m.at("/srv"))
		info, err := e.Info()
		m.must(err)
		value := make([]byte, 4096)
		n, _ := unix.Lgetxattr(name, ntacl.Name, value) // a file without a descriptor has an empty one
		all["descriptor of "+file] = fmt.Sprintf("%v %x", info.Mode(), sha256.Sum256(value[:max(n, 0)]))
		if e.IsDir() {
			return nil
		}
		for user, uid := range map[string]uint32{"alice": alice, "bob": bob, "carol": carol} {
			out, err := m.run(uid, "cat /mnt"+file)
			all[user+" reads "+file] = fmt.Sprint(out, err)
			if name, ok := strings.CutPrefix(file, "/projects"); ok {
				out, err := m.run(0, "refmon-index can-read /srv"+file+" "+user+" --state /var/lib/refmon-index")
				all["the index: "+user+" "+file] = fmt.Sprint(out, err)
				if user != "carol" { // she has no password
					status, body, err := m.asks(client, "GET", user, "/projects"+name, "")
					all["GET of "+user+" "+file] = fmt.Sprint(status, body, err)
				}
			}
		}
		return nil
	}))
	return all
}

// records returns the first n records of the trail as JSON lines.
func (m *machine) records(n int) string {
	m.Helper()
	return m.does(fmt.Sprintf("refmon audit query /var/lib/refmon/audit --format json | head -n %d", n))
}
