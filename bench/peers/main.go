package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// openers are all peers in the order of the table; refmon is the first.
var openers = []struct {
	name string
	open func() (*peer, error)
}{
	{"refmon", openRefmon},
	{"Samba, C library", openSamba},
	{"python3-samba", openPython},
	{"cedar-go", openCedar},
	{"casbin", openCasbin},
	{"OPA (Rego)", openOPA},
}

// main prints the table of measured peers to stdout and its progress to stderr. It exits with 1 after an error.
func main() {
	rounds := flag.Int("rounds", 41, "rounds, a turn of each engine in each")
	turn := flag.Duration("turn", 5*time.Millisecond, "least length of a turn")
	flag.Parse()
	runtime.LockOSThread() // clock is the thread's
	if err := run(*rounds, *turn); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// skipped is a peer that takes no part, and why.
type skipped struct {
	name string
	err  error
}

// run opens the peers, measures each question and writes the table. It skips a peer that cannot be opened and names
// it in the table. A peer that decides wrongly is an error.
func run(rounds int, turn time.Duration) error {
	var peers []*peer
	var absent []skipped
	for _, o := range openers {
		p, err := o.open()
		if err != nil {
			fmt.Fprintf(os.Stderr, "peers: SKIPPED %s: %v\n", o.name, err)
			absent = append(absent, skipped{o.name, err})
			continue
		}
		if p.close != nil {
			defer p.close()
		}
		peers = append(peers, p)
	}
	results := make([][]result, len(questions))
	for i, q := range questions {
		fmt.Fprintf(os.Stderr, "peers: %s\n", q.name)
		var err error
		if results[i], err = measure(q, peers, rounds, turn); err != nil {
			return err
		}
	}
	out := bufio.NewWriter(os.Stdout)
	fmt.Fprintf(out, "%s, %d cores, %s, %s; `make bench-peers`, %d rounds of %s.\n\n",
		processor(), runtime.NumCPU(), runtime.Version(), time.Now().Format(time.DateOnly), rounds, turn)
	writeTable(out, peers, results)
	writePeers(out, peers[1:], absent)
	return out.Flush()
}

// processor returns the name of the processor from /proc/cpuinfo, or the architecture if it is not there.
func processor() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(b)) {
		if key, value, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// moduleVersion returns the version of a Go module that this program depends on, "" if it does not, and for the
// program's own module.
func moduleVersion(path string) string {
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return ""
	}
	for _, m := range info.Deps {
		if m.Path == path {
			return m.Version
		}
	}
	return ""
}

// packageVersion is the version of an installed Debian package, or "".
func packageVersion(name string) string {
	out, _ := exec.Command("dpkg-query", "-W", "-f=${Version}", name).Output()
	return string(out)
}
