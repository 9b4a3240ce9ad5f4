package drills

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// shortage is a resource that runs out and comes back.
type shortage struct {
	name       string
	begin, end func(m *machine)
	stops      []string // the daemons that must refuse
	why        string   // part of the reason that each of them gives its caller or its log
}

// small mounts a file system with 32 MiB of space and 300 inodes until the end of the test.
func (m *machine) small(name string, mode string) {
	m.Helper()
	m.mount("drill", name, "tmpfs", unix.MS_NODEV|unix.MS_NOSUID, "size=32m", "nr_inodes=300", "mode="+mode)
}

// shortages returns the resources that the drill exhausts: those of the machine's file systems and of each daemon.
func shortages() []shortage {
	var all []shortage
	for _, c := range []struct {
		at     string
		space  []string
		inodes []string
	}{
		{"/srv", []string{"refmon-gateway", "refmond mount"}, []string{"refmon-gateway", "refmond mount"}},
		{"/var/lib/refmon", []string{audited}, nil}, // the trail writes into files that it has
		{"/var/lib/refmon-index", []string{"refmon-index"}, []string{"refmon-index"}},
	} {
		end := func(m *machine) { m.empty(c.at) }
		all = append(all, shortage{"space in " + c.at, func(m *machine) { m.fill(c.at) }, end, c.space, full},
			shortage{"inodes in " + c.at, func(m *machine) { m.crowd(c.at) }, end, c.inodes, full})
	}
	for _, c := range [][]string{{"refmond", audited, "refmon-gateway"}, {"refmond mount"}, {"refmon-gateway"},
		{"refmon-index"}} {
		all = append(all, shortage{"descriptors of " + c[0], func(m *machine) { m.limit(c[0], true) },
			func(m *machine) { m.limit(c[0], false) }, c, "(?i)too many open files|not available now"})
	}
	return all
}

// full matches the reason of a full file system.
const full = "(?i)no space left|insufficient storage|sufficient-disk-space"

// filling is the folder with the files that use a file system up.
const filling = ".filling"

// fill uses up the space of a file system.
func (m *machine) fill(at string) {
	m.Helper()
	m.must(os.MkdirAll(m.at(at+"/"+filling), 0o700))
	f, err := os.Create(m.at(at + "/" + filling + "/fill"))
	m.must(err)
	for _, size := range []int{1 << 20, 4096, 1} { // to the last page
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	if m.must(f.Close()); !errors.Is(err, unix.ENOSPC) {
		m.Fatalf("%s is not full: %v", at, err)
	}
}

// crowd creates empty files below the path at until the file system has no free inode.
func (m *machine) crowd(at string) {
	m.Helper()
	m.must(os.MkdirAll(m.at(at+"/"+filling), 0o700))
	for i := 0; ; i++ {
		f, err := os.Create(m.at(fmt.Sprintf("%s/%s/%d", at, filling, i)))
		if errors.Is(err, unix.ENOSPC) {
			return
		}
		m.must(err)
		m.must(f.Close())
	}
}

// empty deletes what fill and crowd have created.
func (m *machine) empty(at string) {
	m.Helper()
	m.must(os.RemoveAll(m.at(at + "/" + filling)))
}

// limit sets the limit of a daemon's descriptors so that it can open no more, or to 1,024. It does nothing if the
// daemon does not run.
func (m *machine) limit(name string, none bool) {
	m.Helper()
	d := m.runs[name]
	if d == nil {
		return
	}
	most := 1024
	if none {
		most = 3
	}
	// As the daemon's user: in a container even root may not change the limits of others.
	out, err := m.run(services[name].uid, fmt.Sprintf("prlimit --pid %d --nofile=%d:", d.cmd.Process.Pid, most))
	if err != nil {
		m.Fatalf("limit of %s: %v\n%s", name, err, out)
	}
}

// attempt is a use of a daemon. do returns nil if the daemon acknowledged it, and otherwise an error with the reason.
type attempt struct {
	daemon string
	do     func(m *machine, name string) error
	// kept reports whether an acknowledged change exists; nil: the attempt changes nothing.
	kept func(m *machine, name string) bool
}

// patient limits the time of one attempt; a daemon that cannot accept connections does not answer.
const patient = "timeout 5 "

// audited is the attempt to open files whose opens are recorded. The opens must fail if the records cannot be stored.
const audited = "refmond: audited opens"

// text is what an attempt writes: more than a page, so that a full disk refuses it.
var text = strings.Repeat("0123456789abcdef", 1<<12)

// attempts returns one use of each daemon but refmon-index.
func attempts() []attempt {
	run := func(m *machine, uid uint32, line string) error {
		out, err := m.run(uid, line)
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	same := func(at string) func(m *machine, name string) bool {
		return func(m *machine, name string) bool {
			b, err := os.ReadFile(m.at(at + name))
			return err == nil && string(b) == text
		}
	}
	return []attempt{
		{"refmond", func(m *machine, name string) error {
			return run(m, 0, patient+"refmond account add "+name)
		}, func(m *machine, name string) bool {
			return strings.Contains(m.does("refmond account list"), name+" ")
		}},
		{audited, func(m *machine, _ string) error { // more records than fit into what the trail has set aside
			opens := 3
			if _, err := os.Stat(m.at("/var/lib/refmon/" + filling)); err == nil {
				opens = 1500
			}
			return run(m, alice, fmt.Sprintf("i=0; while [ $i -lt %d ]; do read -r x <%s; i=$((i+1)); done", opens,
				"/mnt/projects/private/secret1"))
		}, nil},
		{"refmon-gateway", func(m *machine, name string) error {
			status, body, err := m.asks(m.web(), "PUT", "alice", "/projects/plans/"+name, text)
			if err == nil && status != 201 && status != 204 {
				err = fmt.Errorf("%d %s", status, strings.TrimSpace(body))
			}
			return err
		}, same("/srv/projects/plans/")},
		{"refmond mount", func(m *machine, name string) error {
			m.must(os.WriteFile(m.at("/tmp/text"), []byte(text), 0o644))
			return run(m, alice, patient+"dd if=/tmp/text of=/mnt/shared/"+name+" bs=64k conv=fsync status=none")
		}, same("/srv/shared/")},
	}
}

// outcome is what a shortage did to one daemon.
type outcome struct {
	refused  string // the reason of the first refusal; "": it was not refused
	restart  bool   // the daemon ended and had to be started again
	recovers bool
}

// suffers tests how the daemons bear a shortage: it runs the attempts during it and after it, and restarts daemons that
// ended. It returns the outcomes by daemon, and adds the names of acknowledged changes to acked, by daemon. It fails
// the test if bob can read alice's file, or if a daemon does not recover within a minute.
func (m *machine) suffers(s shortage, round int, acked map[string][]string) map[string]outcome {
	m.Helper()
	all := map[string]outcome{}
	s.begin(m)
	for _, a := range attempts() {
		o := outcome{}
		for i := range 3 {
			if a.kept == nil && i > 0 {
				break // one attempt is many opens
			}
			name := fmt.Sprintf("n%d-%d", round, i)
			if err := a.do(m, name); err == nil {
				acked[a.daemon] = append(acked[a.daemon], name)
			} else if o.refused == "" {
				o.refused = err.Error()
			}
		}
		all[a.daemon] = o
	}
	all["refmon-index"] = m.revokes(round)
	if out, err := m.run(bob, patient+"cat /mnt/projects/private/secret1"); err == nil {
		m.Errorf("%s: bob reads alice's file: %q", s.name, out)
	}
	s.end(m)
	for name, d := range m.runs {
		if d.ended() {
			_ = d.cmd.Wait()
			delete(m.runs, name)
			m.begin(name)
			o := all[name]
			o.restart = true
			all[name] = o
		}
	}
	for _, a := range attempts() {
		o, name := all[a.daemon], fmt.Sprintf("n%d-after", round)
		err := a.do(m, name)
		for late := time.Now().Add(time.Minute); err != nil && time.Now().Before(late); time.Sleep(time.Second) {
			err = a.do(m, name)
		}
		if err != nil {
			m.Errorf("%s: %s does not recover: %v", s.name, a.daemon, err)
		} else {
			acked[a.daemon] = append(acked[a.daemon], name)
		}
		o.recovers = err == nil
		all[a.daemon] = o
	}
	o := all["refmon-index"]
	o.recovers = m.indexed(round)
	all["refmon-index"] = o
	return all
}

// revokes takes bob's right to a plan during a shortage. The index must deny it or give no answer within 15 seconds,
// else the test fails. If the descriptor cannot be stored, the outcome has that as the refusal.
func (m *machine) revokes(round int) outcome {
	m.Helper()
	file := filepath.Join("/srv/projects/plans", fmt.Sprint("plan", round%3+1))
	o := outcome{}
	if err := m.grant(file, "", ""); err != nil {
		o.refused = "the descriptor cannot be stored: " + err.Error()
		return o
	}
	for late := time.Now().Add(15 * time.Second); ; time.Sleep(time.Second) {
		out, err := m.run(0, "refmon-index can-read "+file+" bob --state /var/lib/refmon-index")
		if err != nil && !strings.HasPrefix(out, "yes") {
			o.refused = out
			return o
		}
		if time.Now().After(late) {
			m.Errorf("refmon-index answers %q, %v 15 seconds after bob lost the right", out, err)
			return o
		}
	}
}

// indexed grants bob the right to read a file again and waits until refmon-index reports it. round selects one of three
// files. After a minute indexed fails the test and returns false.
func (m *machine) indexed(round int) bool {
	m.Helper()
	file := filepath.Join("/srv/projects/plans", fmt.Sprint("plan", round%3+1))
	m.must(m.grant(file, "bob", ""))
	for late := time.Now().Add(time.Minute); time.Now().Before(late); time.Sleep(time.Second) {
		if _, err := m.run(0, "refmon-index can-read "+file+" bob --state /var/lib/refmon-index"); err == nil {
			return true
		}
	}
	m.Errorf("refmon-index does not learn bob's right: %s", m.runs["refmon-index"].said())
	return false
}
