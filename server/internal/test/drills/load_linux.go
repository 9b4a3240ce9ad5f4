package drills

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// use is what a daemon uses at one moment.
type use struct {
	memory, threads, descriptors, goroutines int   // memory in KiB; 0 goroutines: the program does not report them
	disk                                     int64 // bytes below its state folder
}

// counter is a file that the drill adds to the main package of each daemon. It reports the number of goroutines.
const counter = `package main

import (
	"fmt"
	"os"
	"runtime"
	"time"
)

func init() {
	go func() {
		for ; ; time.Sleep(time.Second) {
			fmt.Fprintln(os.Stderr, "goroutines", runtime.NumGoroutine())
		}
	}()
}
`

// buildCounting replaces the daemons of the machine by ones that report their goroutines. Start the daemons afterwards.
func (m *machine) buildCounting() {
	m.Helper()
	added := map[string]string{}
	for _, name := range daemons {
		added["cmd/"+name+"/counter.go"] = counter
	}
	m.buildOverlaid(added)
}

// states are the folders with the state of each daemon.
var states = map[string]string{"refmond": "/var/lib/refmon", "refmon-gateway": "/var/lib/refmon-gateway",
	"refmon-index": "/var/lib/refmon-index", "refmond mount": "/srv/shared"}

// measure returns what a daemon uses now.
func (m *machine) measure(name string) use {
	m.Helper()
	proc := fmt.Sprintf("/proc/%d/", m.runs[name].cmd.Process.Pid)
	status, err := os.ReadFile(proc + "status")
	m.must(err)
	facts := map[string]int{}
	for line := range strings.Lines(string(status)) {
		if key, value, ok := strings.Cut(line, ":"); ok {
			facts[key], _ = strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB")) // other lines are not numbers
		}
	}
	fds, err := os.ReadDir(proc + "fd")
	m.must(err)
	u := use{memory: facts["VmRSS"], threads: facts["Threads"], descriptors: len(fds),
		goroutines: int(m.runs[name].goroutines.Load())}
	_ = filepath.WalkDir(m.at(states[name]), func(at string, _ fs.DirEntry, err error) error {
		var s unix.Stat_t
		if err == nil && unix.Lstat(at, &s) == nil { // a file that goes away meanwhile does not count
			u.disk += s.Blocks * 512
		}
		return nil
	})
	return u
}

// works puts mixed load on all daemons until ctx ends: files over HTTPS, files on both mounts, accounts, descriptors,
// and questions to the index. It multiplies the pauses between them by slower. It returns how often each kind was
// tried, failures included, and the first 20 errors.
func (m *machine) works(ctx context.Context, slower int) (done map[string]int, wrong []string) {
	m.Helper()
	done = map[string]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	repeat := func(kind string, pause time.Duration, f func(i int) error) {
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				err := f(i)
				mu.Lock()
				if done[kind]++; err != nil && len(wrong) < 20 {
					wrong = append(wrong, fmt.Sprintf("%s: %v", kind, err))
				}
				mu.Unlock()
				select {
				case <-ctx.Done():
				case <-time.After(pause * time.Duration(slower)):
				}
			}
		})
	}
	script := func(uid uint32, format string) func(i int) error {
		return func(i int) error {
			line := strings.ReplaceAll(format, "$i", fmt.Sprint(i%50))
			if out, err := m.run(uid, line); err != nil {
				return fmt.Errorf("%s: %w: %s", line, err, out)
			}
			return nil
		}
	}
	web := m.web()
	repeat("PUT, GET, DELETE", 20*time.Millisecond, func(i int) error {
		name := fmt.Sprint("/projects/plans/load", i%50)
		for _, method := range []string{"PUT", "GET", "DELETE"} {
			body := ""
			if method == "PUT" {
				body = text
			}
			status, answer, err := m.asks(web, method, "alice", name, body)
			if err != nil {
				return err
			}
			if status >= 300 {
				return fmt.Errorf("%s %s: %d %.100s", method, name, status, answer)
			}
		}
		return nil
	})
	for _, mount := range []string{"/mnt/projects/plans", "/mnt/shared"} {
		repeat("files of "+mount, 50*time.Millisecond, script(alice, "cd "+mount+
			" && echo text >a$i && cat a$i >/dev/null && mv a$i b$i && ls >/dev/null && rm b$i"))
	}
	repeat("accounts", 300*time.Millisecond, script(0,
		"refmond account add load$i && refmond account group join staff load$i && refmond account delete load$i"))
	repeat("descriptors", 200*time.Millisecond, func(i int) error {
		return m.grant(fmt.Sprint("/srv/projects/plans/plan", i%3+1), []string{"", "bob"}[i%2], "")
	})
	repeat("questions", 500*time.Millisecond, script(0, "refmon-index can-read /srv/projects/plans/plan1 alice "+
		"--state /var/lib/refmon-index >/dev/null"))
	all.Wait()
	return done, wrong
}

// mean returns the mean use of samples. There must be at least one.
func mean(samples []use) use {
	var u use
	n := len(samples)
	for _, s := range samples {
		u.memory, u.threads, u.descriptors = u.memory+s.memory, u.threads+s.threads, u.descriptors+s.descriptors
		u.goroutines, u.disk = u.goroutines+s.goroutines, u.disk+s.disk
	}
	return use{u.memory / n, u.threads / n, u.descriptors / n, u.goroutines / n, u.disk / int64(n)}
}

// slope returns by how much value changes in an hour, as the least squares' line through samples that were taken at
// equal intervals. Fewer than two samples have no slope: 0.
func slope(samples []use, every time.Duration, value func(use) float64) float64 {
	var x, y, xx, xy float64
	n := float64(len(samples))
	for i, s := range samples {
		at, v := float64(i)*every.Hours(), value(s)
		x, y, xx, xy = x+at, y+v, xx+at*at, xy+at*v
	}
	if len(samples) < 2 {
		return 0
	}
	return (n*xy - x*y) / (n*xx - x*x)
}

// goroutines ends a daemon by SIGQUIT and returns the number of goroutines in its dump.
func (m *machine) goroutines(name string) int {
	m.Helper()
	d := m.runs[name]
	delete(m.runs, name)
	m.must(d.cmd.Process.Signal(unix.SIGQUIT))
	<-d.over
	_ = d.cmd.Wait() // it says that the signal ended it
	return strings.Count("\n"+d.said(), "\ngoroutine ")
}
