package stages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/postgres"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/site"
	database "github.com/refmon/refmon/server/index/postgres"
)

// sizedFollower names the follower of BenchmarkFollowRows, which is a process of its own so that its memory counts
// alone.
const sizedFollower = "REFMON_TEST_FOLLOWER"

// followerSetup tells that process how to find the site.
type followerSetup struct{ Site, Seed, DSN, State string }

// TestMain runs the follower of a benchmark if the environment has one.
func TestMain(m *testing.M) {
	text := os.Getenv(sizedFollower)
	if text == "" {
		os.Exit(m.Run())
	}
	if err := runSizedFollower(text); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func runSizedFollower(text string) error {
	var f followerSetup
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		return err
	}
	s, err := site.Read([]byte(f.Site))
	if err != nil {
		return err
	}
	c, err := Dial(s, site.Follow, f.Seed, Options{Warn: func(err error) { fmt.Fprintln(os.Stderr, err) }})
	if err != nil {
		return err
	}
	o := FollowConfig{State: f.State}
	if f.DSN != "" {
		if o.Rows, err = database.OpenStore(context.Background(), f.DSN, 10*time.Second); err != nil {
			return err
		}
	}
	return Follow(context.Background(), c, o)
}

// sizedSite is a site whose logs the benchmark writes.
type sizedSite struct {
	b       *testing.B
	site    *site.Site
	keys    map[site.Role]string
	rows    []*ledger
	people  *ledger
	seq     []uint64
	classes int
}

const sizedTree = "/srv"

func newSizedSite(b *testing.B) *sizedSite {
	b.Helper()
	z := &sizedSite{b: b, classes: 60_000}
	var err error
	if z.site, z.keys, err = site.New(site.Site{Rights: "read", Hosts: map[string][]string{"files1": {sizedTree}},
		Parts: 4, Deciders: 1}); err != nil {
		b.Fatal(err)
	}
	srv := startServer(b, serverOptions(z.site, b.TempDir()))
	b.Cleanup(func() { stopServer(srv) })
	z.site.Servers = []string{srv.ClientURL()}
	dial := func(r site.Role) *Conn {
		c := check.Must(Dial(z.site, r, z.keys[r], Options{InProcess: srv}))
		b.Cleanup(c.Close)
		return c
	}
	check.NoError(b, Prepare(context.Background(), dial(site.Keeper)))
	work := dial(site.Work)
	for _, p := range z.site.DocumentParts() {
		z.rows = append(z.rows, check.Must(take(b.Context(), work, site.StreamRows, "rows."+p.Subject(), "w")))
	}
	z.people, z.seq = check.Must(take(b.Context(), work, site.StreamPeople, "people.0", "w")), make([]uint64, len(z.rows))
	return z
}

func (z *sizedSite) write(l *ledger, events []index.Event) {
	z.b.Helper()
	next := l.last
	next.Whole = true
	check.NoError(z.b, l.write(context.Background(), next, events))
}

// begin writes the start and the classes of each log, and 1,000 people in the directory's.
func (z *sizedSite) begin() {
	for i, l := range append(slices.Clone(z.rows), z.people) {
		all := []index.Event{{Start: &index.StartEvent{Format: 1, Index: "i", Rights: []string{"read"}}}}
		if l == z.people {
			for n := range 1000 {
				all = append(all, index.Event{Person: &index.PersonEvent{Number: n, Name: fmt.Sprint("p", n),
					SID: fmt.Sprintf("S-1-5-21-1-2-3-%d", 1000+n)}})
			}
		}
		for n := range z.classes {
			e := &index.ClassEvent{ID: fmt.Sprintf("%022d", n), Right: "read", Mask: 0x120089}
			if l == z.people {
				e.Version, e.Members = "v", fmt.Sprintf("%d-%d", n%900, n%900+20)
			}
			all = append(all, index.Event{Class: e})
		}
		if l == z.people {
			all = append(all, index.Event{Directory: "v"})
		}
		for n := range all {
			all[n].Seq, all[n].Time = uint64(n+1), time.Now().UnixNano()
		}
		if l != z.people {
			z.seq[i] = uint64(len(all))
		}
		z.write(l, all)
	}
}

// row returns the event of a document and the number of its part.
func (z *sizedSite) row(n, class int) (part int, e index.Event) {
	local := fmt.Sprintf("%s/department-%02d/project-%04d/report-%08d.docx", sizedTree, n/100_000, n/250, n)
	part = z.site.PartOf(local)
	z.seq[part]++
	return part, index.Event{Seq: z.seq[part], Time: time.Now().UnixNano(), Row: &index.RowEvent{Path: "//files1" + local,
		Tree: "//files1" + sizedTree, Descriptor: fmt.Sprintf("%016x", class),
		Classes: []string{fmt.Sprintf("%022d", class)}}}
}

func (z *sizedSite) load(rows int) {
	pending := make([][]index.Event, len(z.rows))
	for n := range rows {
		part, e := z.row(n, n*7919%z.classes)
		if pending[part] = append(pending[part], e); len(pending[part]) == 10_000 {
			z.write(z.rows[part], pending[part])
			pending[part] = nil
		}
	}
	for part := range pending {
		z.write(z.rows[part], pending[part])
	}
}

func (z *sizedSite) beat() {
	z.b.Helper()
	for _, l := range append(slices.Clone(z.rows), z.people) {
		check.NoError(z.b, l.publishWatermark(context.Background(), 1, &heartbeat{Time: time.Now().UnixNano()}, "v"))
	}
}

// BenchmarkFollowRows measures a follower at the size REFMON_ROWS (100,000 by default): its memory, the database's log
// and size, a restart after kill -9, and the time from a published row until a query finds it. The sub-benchmark
// "folder" is the follower that holds all rows in memory.
func BenchmarkFollowRows(b *testing.B) {
	rows := randtest.Count(b, "REFMON_ROWS", 1_000_000)
	z := newSizedSite(b)
	z.begin()
	z.load(rows)
	text := check.Must(json.Marshal(z.site))
	setup := followerSetup{Site: string(text), Seed: z.keys[site.Follow]}
	b.Run("database", func(b *testing.B) {
		s := postgres.Start(b)
		setup.DSN = "host=" + s.Dir + " dbname=postgres user=" + postgres.Owner
		for range b.N {
			z.measure(b, setup, rows)
		}
	})
	b.Run("folder", func(b *testing.B) {
		setup.DSN, setup.State = "", b.TempDir()
		for range b.N {
			start := time.Now()
			cmd := startFollower(b, setup)
			z.until(b, func() bool {
				fence, err := os.ReadFile(filepath.Join(setup.State, "fence.json"))
				return err == nil && strings.Contains(string(fence), `"directory"`) && strings.Contains(string(fence), sizedTree)
			})
			b.ReportMetric(time.Since(start).Seconds(), "load-s")
			report(b, cmd, "load")
		}
	})
}

func startFollower(b *testing.B, f followerSetup) *exec.Cmd {
	b.Helper()
	text := check.Must(json.Marshal(f))
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), sizedFollower+"="+string(text)), os.Stderr
	check.NoError(b, cmd.Start())
	return cmd
}

// report kills a follower and reports its greatest memory and processor time.
func report(b *testing.B, cmd *exec.Cmd, what string) {
	b.Helper()
	// Maxrss of its rusage counts the benchmark's own memory, from which the process was forked.
	status := check.Must(os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid)))
	_, text, _ := strings.Cut(string(status), "VmHWM:")
	kilobytes, err := strconv.Atoi(strings.Fields(text)[0])
	check.NoError(b, errors.Join(err, cmd.Process.Kill()))
	_ = cmd.Wait() // it was killed
	b.ReportMetric(float64(kilobytes)/1024, what+"-MiB")
	b.ReportMetric((cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), what+"-cpu-s")
}

// until sends heartbeats until done returns true.
func (z *sizedSite) until(b *testing.B, done func() bool) {
	b.Helper()
	for beat := time.Now(); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Since(beat) > time.Second {
			z.beat()
			beat = time.Now()
		}
	}
}

func (z *sizedSite) measure(b *testing.B, setup followerSetup, rows int) {
	ctx := context.Background()
	conn := check.Must(pgx.Connect(ctx, setup.DSN))
	defer conn.Close(ctx)
	query := func(sql string, args ...any) (out int64) {
		if err := conn.QueryRow(ctx, sql, args...).Scan(&out); err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return -1 // the follower has not created the tables
		}
		return out
	}
	wal := func() int64 { return query(`select (pg_current_wal_lsn() - '0/0')::bigint`) }
	ready := func() bool { return query(`select count(*) from refmon.fence where at > now() - interval '10 s'`) == 2 }
	run := func(what string) *exec.Cmd {
		before, start := wal(), time.Now()
		cmd := startFollower(b, setup)
		z.until(b, ready)
		b.ReportMetric(time.Since(start).Seconds(), what+"-s")
		b.ReportMetric(float64(wal()-before)/(1<<20), what+"-wal-MiB")
		return cmd
	}
	report(b, run("load"), "load")
	if got := query(`select count(*) from refmon.documents`); got != int64(rows) {
		b.Fatalf("%d rows, want %d", got, rows)
	}
	size := query(`select sum(pg_total_relation_size(inhrelid)) from pg_inherits
		where inhparent = 'refmon.documents'::regclass`)
	b.ReportMetric(float64(size)/float64(rows), "B/row")
	query(`update refmon.fence set at = '-infinity'`)
	cmd := run("restart")
	var times []time.Duration
	for n := range 200 {
		part, e := z.row(n*(rows/200), (n+1)%z.classes)
		start := time.Now()
		z.write(z.rows[part], []index.Event{e})
		z.until(b, func() bool {
			return query(`select class::bigint from refmon.documents join refmon.classes using (class)
				where id = $1 and name = $2`, e.Row.Path, e.Row.Classes[0]) > 0
		})
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[100])/1e6, "change-p50-ms")
	b.ReportMetric(float64(times[198])/1e6, "change-p99-ms")
	report(b, cmd, "restart")
}
