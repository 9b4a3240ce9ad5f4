package roster

import (
	"context"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/auth/ldap"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/watch"
	"github.com/refmon/refmon/sid"
)

// domain is the domain of the generated people.
var domain = sid.MustParse("S-1-5-21-7-7-7")

const (
	memberships = 20 // direct groups of each person
	classes     = 1000
	few         = "CN=few,OU=Groups,DC=corp,DC=test"       // has ten direct members
	everybody   = "CN=everybody,OU=Groups,DC=corp,DC=test" // has all people as direct members
	vault       = "CN=vault,OU=Groups,DC=corp,DC=test"     // without members at first
	fewRID      = 900001
	everyRID    = 900002
	vaultRID    = 900003
)

// entries is a Directory with parsed entries.
type entries struct {
	list  []*goldap.Entry
	asked bool // before the read: it changed since the last one, and nothing changed during it
}

func (d *entries) Since(context.Context, ldap.Mark) (ldap.Mark, bool, error) {
	d.asked = !d.asked
	return ldap.Mark{}, d.asked, nil
}

func (d *entries) People(_ context.Context, p *ldap.People) error {
	return p.Read(func(add func(*goldap.Entry) error) error {
		for _, e := range d.list {
			if err := add(e); err != nil {
				return err
			}
		}
		return nil
	})
}

// corporation returns the entries of persons and groups, as in a server's replies.
func corporation(persons, groups int) *entries {
	d := &entries{}
	for i := range groups {
		d.list = append(d.list, group(groupDN(i), fmt.Sprintf("group%d", i), uint32(200000+i)))
	}
	d.list = append(d.list, group(few, "few", fewRID), group(everybody, "everybody", everyRID),
		group(vault, "vault", vaultRID))
	for i := range persons {
		in := []string{everybody}
		if i%(persons/10) == 0 {
			in = append(in, few)
		}
		for j := len(in); j < memberships; j++ {
			in = append(in, groupDN((i*31+j*j*17+j)%groups))
		}
		slices.Sort(in)
		dn := fmt.Sprintf("CN=Given%d Surname%d,OU=People,DC=corp,DC=test", i, i)
		d.list = append(d.list, entry(dn, "user", fmt.Sprintf("user%d", i), uint32(1000000+i), slices.Compact(in),
			"userAccountControl", "512", "primaryGroupID", "513"))
	}
	return d
}

func groupDN(i int) string {
	return fmt.Sprintf("CN=Group of Department %d,OU=Groups,DC=corp,DC=test", i)
}

func group(dn, name string, rid uint32, in ...string) *goldap.Entry {
	return entry(dn, "group", name, rid, in, "groupType", "-2147483646")
}

// entry returns an entry with newly allocated values, like those of a reply.
func entry(dn, class, name string, rid uint32, in []string, more ...string) *goldap.Entry {
	e := &goldap.Entry{DN: dn}
	add := func(attribute string, values ...string) {
		e.Attributes = append(e.Attributes, goldap.NewEntryAttribute(attribute, values))
	}
	add("objectClass", "top", class)
	add("sAMAccountName", name)
	add("objectSid", string(domain.WithRID(rid).AppendBinary(nil)))
	for i := 0; i < len(more); i += 2 {
		add(more[i], more[i+1])
	}
	if len(in) > 0 {
		add("memberOf", in...)
	}
	return e
}

// join returns the directory with a group added to the group vault, or removed from it.
func (d *entries) join(dn, name string, rid uint32) *entries {
	joined := &entries{list: slices.Clone(d.list)}
	at := slices.IndexFunc(d.list, func(e *goldap.Entry) bool { return e.DN == dn })
	joined.list[at] = group(dn, name, rid, vault)
	return joined
}

// BenchmarkMemberships puts a group into another one and takes it out again: from the parsed entries of the whole
// directory to the events of the index, of 1,000 classes, two of which name the other group.
func BenchmarkMemberships(b *testing.B) {
	for _, persons := range []int{20_000, 100_000} {
		for _, c := range []struct {
			what, dn, name string
			rid            uint32
		}{{"ten", few, "few", fewRID}, {"everybody", everybody, "everybody", everyRID}} {
			b.Run(fmt.Sprintf("people=%d/members=%s", persons, c.what), func(b *testing.B) {
				without := corporation(persons, persons/10)
				versions := [2]*entries{without.join(c.dn, c.name, c.rid), without}
				w, r := newWorker(b), reading{directory: without}
				apply(b, &r, w)
				decide(b, w, persons/10)
				b.ReportAllocs()
				before, n := cpuTime(b), 0
				for b.Loop() {
					r.directory = versions[n%2]
					n++
					if events := apply(b, &r, w); events != 3 {
						b.Fatalf("%d events, want 3: two classes and the version", events)
					}
				}
				b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/1e3/float64(n), "cpu-ms/op")
			})
		}
	}
}

// TestMembershipChangeCostIgnoresOtherPeople checks that a change of a group of ten allocates the same with 1,000
// people as with 4,000: unaffected accounts cost nothing.
func TestMembershipChangeCostIgnoresOtherPeople(t *testing.T) {
	var counts []float64
	for _, persons := range []int{1000, 4000} {
		without := corporation(persons, persons/10)
		versions := [2]*entries{without.join(few, "few", fewRID), without}
		w, r, n := newWorker(t), reading{directory: without}, 0
		apply(t, &r, w)
		decide(t, w, persons/10)
		counts = append(counts, testing.AllocsPerRun(10, func() {
			r.directory = versions[n%2]
			n++
			apply(t, &r, w)
		}))
	}
	check.That(t, counts[0] != 0 && counts[1] <= 1.3*counts[0],
		"%.0f allocations of 1,000 people, %.0f of 4,000: want about as many", counts[0], counts[1])
}

// newWorker returns a worker of an index of one right.
func newWorker(b testing.TB) *index.Worker {
	b.Helper()
	rights, err := words.Parse("read")
	check.NoError(b, err)
	w, err := index.Question{Rights: rights}.Worker(nil)
	check.NoError(b, err)
	return w
}

// apply applies a version of the directory, and returns the number of events.
func apply(b testing.TB, r *reading, w *index.Worker) int {
	b.Helper()
	v := r.poll(b.Context())
	check.RequireThat(b, v.People != nil, "no people: %+v", v)
	check.NoError(b, w.Directory(v.People, v.Name, 1))
	return len(w.Take())
}

// decide sends a document of each class to the index.
func decide(b testing.TB, w *index.Worker, groups int) {
	b.Helper()
	batch := watch.Batch{Tree: "/srv", Heartbeat: watch.Now()}
	for i := range classes {
		text := fmt.Sprintf("O:SYG:SYD:(A;;FR;;;%v)(A;;FR;;;%v)", domain.WithRID(uint32(200000+i%groups)),
			domain.WithRID(uint32(1000000+i)))
		if i < 2 {
			text += fmt.Sprintf("(A;;FR;;;%v)", domain.WithRID(vaultRID))
		}
		batch.Seen = append(batch.Seen, watch.Seen{Path: fmt.Sprintf("/srv/f%d", i), Descriptor: sddl.MustParse(text)})
	}
	check.NoError(b, w.Batch(&batch))
	w.Take()
}

// cpuTime returns the processor time of this process.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	check.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
