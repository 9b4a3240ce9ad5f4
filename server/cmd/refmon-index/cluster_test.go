package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	_ "unsafe"

	_ "github.com/nats-io/nats-server/v2/server"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/stages"
)

// loopback returns an address of this host that no other test has: the last of three.
func loopback() (net string, last int) {
	return fmt.Sprintf("127.%d.%d", 1+rand.N(250), rand.N(250)), 1 + rand.N(200)
}

// TestFlagsReachStages checks that each flag of a stage is in the stage's configuration.
func TestFlagsReachStages(t *testing.T) {
	var watch watchCmd
	parse(t, &watch, strings.Fields("--site s --host h --no-events --every 2m --beat 3s"))
	check.Equal(t, fmt.Sprint(watch.config()), fmt.Sprint(stages.WatchConfig{Host: "h", NoEvents: true,
		Every: 2 * time.Minute, Beat: 3 * time.Second}), "watch")
	var work workCmd
	parse(t, &work, strings.Fields("--site s --name n --compact 5 --beat 3s"))
	check.Equal(t, work.config(), stages.WorkConfig{Name: "n", Compact: 5, Beat: 3 * time.Second}, "work")
	var follow followCmd
	parse(t, &follow, strings.Fields("--site s --name n --state d --compact 5 --beat 3s"))
	check.Equal(t, fmt.Sprint(follow.config()), fmt.Sprint(stages.FollowConfig{Name: "n", State: "d", Compact: 5,
		Beat: 3 * time.Second}), "follow")
}

// TestClusterExampleSurvivesKilledWorker runs examples/cluster on this host, and kills a NATS server and a worker while
// it runs.
func TestClusterExampleSurvivesKilledWorker(t *testing.T) {
	if randtest.Count(t, "REFMON_CLUSTER_FAULTS", 0) == 0 {
		t.Skip("REFMON_CLUSTER_FAULTS is not set: nine processes, and an election that takes seconds")
	}
	t.Parallel() // both wait most of their time
	net, last := loopback()
	cmd := exec.CommandContext(t.Context(), "sh", "../../../examples/cluster/cluster.sh", t.TempDir())
	cmd.Env = append(os.Environ(), asCommand+"=1", "REFMON_INDEX="+os.Args[0], fmt.Sprintf("ADDRESS=%s.%d", net, last))
	out, err := cmd.CombinedOutput()
	check.That(t, err == nil && strings.Contains(string(out), "were killed: payroll is hers, plan is not\n"),
		"%v, want string(out) containing %q, no error\n%s", err, "were killed: payroll is hers, plan is not\n", out)
}

// TestBrokerEndsOnFullDisk checks that the broker program ends with an error after another program has filled its disk
// (N-87).
func TestBrokerEndsOnFullDisk(t *testing.T) {
	t.Parallel()
	c := &cluster{t: t, folder: t.TempDir(), running: processes{}}
	net, last := loopback()
	c.install(fmt.Sprintf("traverse: never\ndirectory: %s/firm.yaml\nmachines:\n", c.folder) +
		fmt.Sprintf("  mq1: {runs: [broker], address: %s.%d%s\n", net, last, c.folders("mq1")) +
		"  main: {runs: [watch, directory, work, follow], trees: [/srv]" + c.folders("main") + "\n")
	check.NoError(t, os.WriteFile(filepath.Join(c.folder, "firm.yaml"), []byte("users: []\n"), 0o600))
	disk := filepath.Join(c.folder, "mq1", "state")
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=4m"); err != nil {
		t.Skip("no tmpfs can be mounted here: ", err)
	}
	t.Cleanup(func() {
		for name := range c.running {
			c.kill(name)
		}
		_ = syscall.Unmount(disk, syscall.MNT_DETACH)
	})
	c.args = map[string][]string{"broker": c.program("mq1", "broker"),
		"directory": c.program("main", "directory", "--beat=5ms")}
	c.start("directory") // it waits for the broker
	c.waitUntil("the wait", func() bool { return strings.Contains(c.logs(), "has no NATS server") })
	c.start("broker")
	c.waitUntil("the streams", func() bool { return strings.Contains(c.logs(), "the streams are ready") })
	err := os.WriteFile(filepath.Join(disk, "other"), make([]byte, 1<<23), 0o600)
	check.ErrorIs(t, err, syscall.ENOSPC, "filling the disk")
	timer := time.AfterFunc(time.Minute, func() { _ = c.running["broker"].Process.Kill() })
	defer timer.Stop()
	err = c.running["broker"].Wait()
	check.That(t, c.running["broker"].ProcessState.ExitCode() > 0, "the broker ended with %v, want its own error\n%s", err,
		c.logs())
}

// cluster is a site on this host, each program a process.
type cluster struct {
	t                      *testing.T
	folder, tree, dir, out string
	args                   map[string][]string
	running                processes
	r                      *rand.Rand
	oracle                 *oracle
	staff                  int // 1: bob is a member
}

// processes are programs by name.
type processes map[string]*exec.Cmd

// limit is the maximum age of a heartbeat in tests with failures.
const limit = 2 * time.Second

// newCluster starts a site whose tree has random files and those of an oracle, without traverse checks and with walks
// only.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := newSite(t, "never", ", noEvents: true, every: 200ms")
	for i := range 120 {
		c.createFile(i)
	}
	c.oracle = newOracle(t, c.tree, c.out)
	c.writePeople()
	c.startAll()
	return c
}

// newSite installs a site with three NATS servers, a file server, two workers and a follower in folders of its own. It
// starts no program.
func newSite(t *testing.T, traverse, watch string) *cluster {
	t.Helper()
	folder := t.TempDir()
	c := &cluster{t: t, folder: folder, tree: filepath.Join(folder, "srv"), dir: filepath.Join(folder, "firm.yaml"),
		out: filepath.Join(folder, "main", "state", "follow"), running: processes{},
		r: rand.New(rand.NewPCG(randtest.Seed(t), 48))}
	net, last := loopback()
	text := fmt.Sprintf("traverse: %s\ndirectory: %s\nmachines:\n", traverse, c.dir)
	for n := range 3 {
		text += fmt.Sprintf("  server%d: {runs: [broker], address: %s.%d%s\n", n, net, last+n,
			c.folders(fmt.Sprint("server", n)))
	}
	text += fmt.Sprintf("  files1: {runs: [watch], trees: [%s]%s%s\n", c.tree, watch,
		c.folders("files1")) + "  main: {runs: [directory, follow]" + c.folders("main") + "\n" +
		"  w1: {runs: [work]" + c.folders("w1") + "\n  w2: {runs: [work]" + c.folders("w2") + "\n"
	c.install(text)
	const compact = "--compact=4096" // logs are put together while the rest happens
	const beat = "--beat=200ms"
	c.args = map[string][]string{"watch": c.program("files1", "watch", beat),
		"directory": c.program("main", "directory", beat), "work1": c.program("w1", "work", beat, compact),
		"work2": c.program("w2", "work", beat, compact), "follow": c.program("main", "follow", beat, compact)}
	for n := range 3 {
		name := fmt.Sprint("server", n)
		c.args[name] = c.program(name, "broker")
	}
	t.Cleanup(func() {
		for name := range c.running {
			c.kill(name)
		}
	})
	return c
}

// startAll starts the NATS servers, waits until each has prepared the streams, and starts the other programs. The third
// server starts once the others wait for it, because two are too few for the streams (N-122).
func (c *cluster) startAll() {
	c.t.Helper()
	await := func(server int, line string) {
		name := fmt.Sprint("server", server)
		c.waitUntil(name+": "+line, func() bool {
			b, err := os.ReadFile(filepath.Join(c.folder, name+".log"))
			return err == nil && bytes.Contains(b, []byte(line))
		})
	}
	for n := range 3 {
		if n == 2 {
			await(0, "no suitable peers")
			await(1, "no suitable peers")
		}
		c.start(fmt.Sprint("server", n))
	}
	for n := range 3 {
		await(n, "the streams are ready")
	}
	for _, name := range []string{"watch", "directory", "work1", "work2", "follow"} {
		c.start(name)
	}
}

// folders returns the rest of a machine's line in the site file: its folders below that of the test.
func (c *cluster) folders(machine string) string {
	at := filepath.Join(c.folder, machine)
	return fmt.Sprintf(", folder: %s/etc, state: %s/state}", at, at)
}

// program returns the arguments of a role's command on a machine, as in its unit.
func (c *cluster) program(machine, role string, more ...string) []string {
	c.t.Helper()
	b := check.Must(os.ReadFile(filepath.Join(c.folder, machine, "etc", "refmon-index-"+role+".service")))
	_, line, found := strings.Cut(string(b), "\nExecStart=/usr/bin/refmon-index ")
	line, _, _ = strings.Cut(line, "\n")
	check.RequireThat(c.t, found, "the unit of %s on %s starts no refmon-index", role, machine)
	return append(strings.Fields(line), more...)
}

// install writes the files of a site and copies those of each machine to its folder, as an operator does.
func (c *cluster) install(text string) {
	c.t.Helper()
	file, out := filepath.Join(c.folder, "site.yaml"), filepath.Join(c.folder, "out")
	var said bytes.Buffer
	err := os.WriteFile(file, []byte(text), 0o600)
	check.RequireThat(c.t, run([]string{"site", file, out}, &streams{out: &said, err: &said}) == 0 && err == nil,
		"site: %v: %s", err, said.String())
	list, err := os.ReadDir(out)
	check.NoError(c.t, err)
	for _, e := range list {
		if e.Name() == "keys" { // on no machine
			continue
		}
		err := errors.Join(os.MkdirAll(filepath.Join(c.folder, e.Name(), "state"), 0o700),
			os.CopyFS(filepath.Join(c.folder, e.Name(), "etc"), os.DirFS(filepath.Join(out, e.Name()))))
		check.NoError(c.t, err)
	}
}

func (c *cluster) start(name string) {
	c.t.Helper()
	log, err := os.OpenFile(filepath.Join(c.folder, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	check.NoError(c.t, err)
	defer log.Close()
	cmd := exec.Command(os.Args[0], c.args[name]...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	cmd.Stderr = log
	check.NoError(c.t, cmd.Start())
	c.running[name] = cmd
}

func (c *cluster) signal(name string, s syscall.Signal) {
	c.t.Helper()
	if err := c.running[name].Process.Signal(s); err != nil {
		c.t.Fatalf("%s: %v\n%s", name, err, c.logs())
	}
}

// kill sends SIGKILL to a process and removes it from the map.
func (c *cluster) kill(name string) {
	_ = c.running[name].Process.Kill() // the process may have ended
	_ = c.running[name].Wait()
	delete(c.running, name)
}

func (c *cluster) logs() string {
	out, _ := exec.Command("sh", "-c", "tail -n 6 "+c.folder+"/*.log").CombinedOutput()
	return string(out)
}

// waitUntil waits until done returns true; the test's deadline is the only limit.
func (c *cluster) waitUntil(what string, done func() bool) {
	c.t.Helper()
	end, _ := c.t.Deadline()
	for !done() {
		if !end.IsZero() && time.Until(end) < 10*time.Second {
			c.t.Fatalf("waiting for %s\n%s", what, c.logs())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// createFile creates a file with a random mode.
func (c *cluster) createFile(i int) {
	at := filepath.Join(c.tree, fmt.Sprintf("d%d", i%7), fmt.Sprint("f", i))
	err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, nil, 0o600),
		os.Chmod(at, os.FileMode(0o600|c.r.IntN(64))))
	check.NoError(c.t, err)
}

// writePeople writes the directory file, with or without bob in the group.
func (c *cluster) writePeople() {
	text := "users:\n- {name: alice, sid: S-1-5-21-1-2-3-1107}\n- {name: bob, sid: S-1-5-21-1-2-3-1108"
	if c.staff == 1 {
		text += ", memberOf: [Staff]"
	}
	text += "}\n" + c.oracle.users() + "groups:\n- {name: Staff, sid: S-1-5-21-1-2-3-2000}\n" + c.oracle.groups()
	check.NoError(c.t, errors.Join(os.WriteFile(c.dir+".new", []byte(text), 0o600), os.Rename(c.dir+".new", c.dir)))
}

// change makes one random change to the tree or the directory.
func (c *cluster) change() {
	if c.r.IntN(4) > 0 {
		c.oracle.change(c.r, c.writePeople)
		return
	}
	i := c.r.IntN(140)
	at := filepath.Join(c.tree, fmt.Sprintf("d%d", i%7), fmt.Sprint("f", i))
	var err error
	switch c.r.IntN(6) {
	case 0:
		err = os.Remove(at)
	case 1:
		err = os.Rename(at, at+"x")
	case 2:
		err = os.Rename(filepath.Dir(at), filepath.Join(c.tree, fmt.Sprintf("e%d", c.r.IntN(4))))
	case 3:
		c.staff = c.r.IntN(2)
		c.writePeople()
	default:
		c.createFile(i)
	}
	for _, may := range []error{fs.ErrNotExist, fs.ErrExist, syscall.ENOTEMPTY} {
		if errors.Is(err, may) {
			return
		}
	}
	check.NoError(c.t, err)
}

// awaitBeats waits for a new heartbeat of the tree and then for one of the directory. The classes of all rows are then
// decided.
func (c *cluster) awaitBeats() {
	c.t.Helper()
	for _, source := range []string{"//files1" + c.tree, "directory"} {
		present := time.Now()
		c.waitUntil("a beat of "+source, func() bool {
			b, err := os.ReadFile(filepath.Join(c.out, "fence.json"))
			f := index.Watermark{}
			return err == nil && json.Unmarshal(b, &f) == nil && f.Sources[source].Time.After(present)
		})
	}
}

// hasAnswer reports whether the index answers queries about the tree.
func (c *cluster) hasAnswer() bool {
	x, err := index.Open(c.out, limit)
	if err != nil {
		return false
	}
	defer x.Close()
	return x.CanRead("//files1"+c.tree, "alice", "read").Because == ""
}

// compare compares each row with that of a new run on one machine.
func (c *cluster) compare(what string) {
	c.t.Helper()
	state := filepath.Join(c.t.TempDir(), "fresh")
	ctx, stop := context.WithCancel(c.t.Context())
	defer stop()
	err := index.Run(ctx, index.Config{Trees: []string{c.tree}, Directory: c.dir, Rights: "read", State: state,
		NoEvents: true, Beat: time.Millisecond, Ready: stop})
	check.NoError(c.t, err)
	want, got := allAnswers(c.t, state, ""), allAnswers(c.t, c.out, "//files1")
	for at, w := range want {
		if got[at] != w {
			c.t.Errorf("%s: %s: %q, a fresh run has %q, want %q", what, at, got[at], w, w)
		}
	}
	check.That(c.t, len(got) == len(want) && len(want) >= 20,
		"%s: %d documents, a fresh run has %d", what, len(got), len(want))
}

// allAnswers returns the answer of the index for each document.
func allAnswers(t *testing.T, state, host string) map[string]string {
	t.Helper()
	x := check.Must(index.Open(state, time.Hour))
	defer x.Close()
	b, err := os.ReadFile(filepath.Join(state, "events.jsonl"))
	check.NoError(t, err)
	out := map[string]string{}
	for line := range bytes.Lines(b) {
		e, err := index.ParseEvent(bytes.TrimSpace(line))
		if err != nil { // the follower may be writing the last line
			break
		}
		delete(out, strings.TrimPrefix(e.Gone, host))
		if e.Row == nil {
			continue
		}
		text := ""
		for _, p := range []string{"alice", "bob", "p0", "p1"} {
			a := x.CanRead(e.Row.Path, p, "read")
			text += fmt.Sprint(a.Allowed, a.Because, a.Class, a.Descriptor, a.Directory, " ")
		}
		out[strings.TrimPrefix(e.Row.Path, host)] = text
	}
	return out
}

// TestClusterSurvivesKills runs a watcher, a directory source, two workers and a follower over three NATS
// servers, and kills or stops any of them while files and memberships change. Each result must have
// been right at some time within the limit, and at the end each row equals a fresh run's. Without
// heartbeats queries fail after the limit, whichever stage is stopped (N-9, N-49).
func TestClusterSurvivesKills(t *testing.T) {
	phases := randtest.Count(t, "REFMON_CLUSTER_FAULTS", 0)
	if phases == 0 {
		t.Skip("REFMON_CLUSTER_FAULTS says how many faults there are: a minute for five")
	}
	t.Parallel()
	began := time.Now()
	c := newCluster(t)
	c.awaitBeats()
	c.compare("at the beginning")
	defer c.oracle.startQueries(c.r.Uint64())()
	changes := max(80, randtest.Count(t, "REFMON_CLUSTER_CHANGES", 0)/phases)
	alone := []string{"watch", "directory", "follow"} // no other process replaces them
	victims := append([]string{"work1", "work2", "server0", "server1", "server2"}, alone...)
	for i := range phases {
		v, kill := victims[c.r.IntN(len(victims))], c.r.IntN(2) == 0
		if i == 0 {
			v = fmt.Sprint("server", c.r.IntN(3)) // at least one round
		}
		what := fmt.Sprintf("fault %d, %s killed: %v", i, v, kill)
		t.Log(time.Since(began).Round(time.Second), what)
		before := c.r.IntN(changes / 2)
		for n := range changes {
			if n != before {
				c.change()
			} else if kill {
				c.kill(v)
			} else {
				c.signal(v, syscall.SIGSTOP)
			}
		}
		if slices.Contains(alone, v) {
			c.waitUntil("no answer: "+what, func() bool { return !c.hasAnswer() })
		} else {
			c.awaitBeats() // the other processes continue
			c.compare(what + ", meanwhile")
		}
		if kill {
			c.start(v)
		} else {
			c.signal(v, syscall.SIGCONT)
		}
		c.awaitBeats()
		c.compare(what)
	}
	for _, stopped := range []string{"watch", "directory", "work1 work2", "follow", "server0 server1"} {
		c.waitUntil("an answer before "+stopped, c.hasAnswer)
		for _, name := range strings.Fields(stopped) {
			c.signal(name, syscall.SIGSTOP)
		}
		c.waitUntil("no answer without "+stopped, func() bool { return !c.hasAnswer() })
		for _, name := range strings.Fields(stopped) {
			c.signal(name, syscall.SIGCONT)
		}
		c.waitUntil("an answer after "+stopped, c.hasAnswer)
	}
	c.awaitBeats()
	c.compare("at the end")
	n := c.oracle.known.Answered()
	t.Logf("%s: %d documents and %d people: %+v", time.Since(began).Round(time.Second), c.oracle.known.Documents(),
		c.oracle.known.People(), n)
	check.That(t, n.Yes >= 10 && n.No >= 50, "%d right answers were yes and %d no, want at least 10 and 50", n.Yes,
		n.No)
}

// TestNatsCommandShowsLag runs the nats command of docs/search.md, which lists the consumers of workers and followers.
func TestNatsCommandShowsLag(t *testing.T) {
	nats, err := exec.LookPath("nats")
	if err != nil {
		t.Skip("no command nats here: go install github.com/nats-io/natscli/nats@latest")
	}
	t.Parallel() // it waits most of its time
	c := newCluster(t)
	c.awaitBeats()
	etc := filepath.Join(c.folder, "server0", "etc")
	config, err := os.ReadFile(filepath.Join(etc, "broker.yaml"))
	check.NoError(t, err)
	_, address, _ := strings.Cut(string(config), "\nlisten: \"")
	address, _, _ = strings.Cut(address, "\"")
	for stream, want := range map[string]string{"SEEN": "rows_files1_", "CLASS": "people_0", "ROWS": " main ",
		"PEOPLE": " main "} {
		cmd := exec.CommandContext(t.Context(), nats, "--server", "tls://"+address, "--tlsca", filepath.Join(etc, "ca.pem"),
			"--nkey", filepath.Join(etc, "keeper.seed"), "--inbox-prefix", "_INBOX.keeper", "consumer", "report", stream)
		cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
		out, err := cmd.CombinedOutput()
		check.That(t, err == nil && strings.Contains(string(out), "Unprocessed") && strings.Contains(string(out), want),
			"%s: %v, want the consumer %q\n%s", stream, err, want, out)
	}
}

// NATS servers wait 4 to 9 seconds for the election of a leader, and have no option for it. A
// test with many failures would spend most of its time waiting.
//
//go:linkname minElectionTimeout github.com/nats-io/nats-server/v2/server.minElectionTimeout
var minElectionTimeout time.Duration

//go:linkname maxElectionTimeout github.com/nats-io/nats-server/v2/server.maxElectionTimeout
var maxElectionTimeout time.Duration

//go:linkname hbInterval github.com/nats-io/nats-server/v2/server.hbInterval
var hbInterval time.Duration

// faster divides the election times of real servers, unless REFMON_ELECTIONS=real, as in `make soak`. It affects
// waiting times only, no checked property.
const faster = 4

func init() {
	if os.Getenv("REFMON_ELECTIONS") == "real" {
		return
	}
	for _, d := range []*time.Duration{&minElectionTimeout, &maxElectionTimeout, &hbInterval} {
		*d /= faster
	}
}
