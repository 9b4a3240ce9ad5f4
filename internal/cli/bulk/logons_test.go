package bulk_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sddl"
)

// counting returns Run.Logons of a directory, and the calls for other kinds so far.
func counting(d *directory.Directory) (func(logon.Kind) (*directory.Directory, error), *int) {
	calls := new(int)
	return func(k logon.Kind) (*directory.Directory, error) {
		other, err := d.LoggedOn(k)
		if other == d {
			return nil, err
		}
		*calls++
		return other, err
	}, calls
}

// TestAnswerNamesKindsThatDiffer checks the notes about other kinds of logon in each question (B-26). The answers for
// the stated kinds are those of the entries' SIDs: only NTLM has S-1-5-64-10, and every kind but NTLM S-1-18-1.
func TestAnswerNamesKindsThatDiffer(t *testing.T) {
	const note = `"note":"the answer depends on the kind of logon: `
	const objects = `{"path":"/d","sd":"O:BAG:SYD:(D;;FR;;;S-1-5-64-10)(A;;FR;;;WD)"}` + "\n" +
		`{"path":"/a","sd":"O:BAG:SYD:(A;;FR;;;S-1-18-1)"}` + "\n" + `{"path":"/p","sd":"O:BAG:SYD:(A;;FR;;;WD)"}` + "\n" +
		`{"path":"/same","sd":"O:BAG:SYD:(A;;FR;;;WD)(A;;FR;;;IU)"}` + "\n"
	for _, c := range []struct {
		kind string
		ask  bulk.Ask
		want string // notes of /d and /a
	}{
		{"kerberos", bulk.Who, "--logon ntlm: 2 fewer"}, {"interactive", bulk.Count, "--logon ntlm: 2 fewer"},
		{"ntlm", bulk.Who, "--logon kerberos: 2 more, --logon interactive: 2 more, --logon service: 2 more"},
		{"service", bulk.What, "--logon ntlm: granted 0x00000000"},
		{"ntlm", bulk.What, "--logon kerberos: granted 0x00120089, --logon interactive: granted 0x00120089, " +
			"--logon service: granted 0x00120089"},
	} {
		dir := check.Must(dirfile.Read([]byte("logon: " + c.kind + "\n" + twoUsers)))
		logons, calls := counting(dir)
		r := &bulk.Run{Directory: dir, Rights: check.Must(words.Parse("read")), Ask: c.ask, Format: bulk.JSONL,
			Logons: logons}
		out, sum, err := runOver(r, objects)
		rows := strings.Split(out, "\n")
		check.That(t, err == nil && sum.Logons == 2 && sum.FirstLogons == "/d: "+c.want && *calls == 3 &&
			strings.Contains(rows[0], note+c.want+`"`) && strings.Contains(rows[1], note+c.want+`"`) &&
			!strings.Contains(rows[2]+rows[3], "note"),
			"B-26: %s, %v: %+v, %d calls, %v\n%s", c.kind, c.ask, sum, *calls, err, out)
		granted := !strings.Contains(rows[0], `[]`) && !strings.Contains(rows[0], `"count":0`)
		check.Equal(t, granted, c.kind != "ntlm", "D-36: %s: granted in\n%s", c.kind, out)
	}
	// Without a descriptor that depends on the kind no other token is built, and a note reports that others are unknown.
	dir := check.Must(dirfile.Read([]byte(twoUsers)))
	logons, calls := counting(dir)
	r := &bulk.Run{Directory: dir, Rights: check.Must(words.Parse("read")), Format: bulk.JSONL, Logons: logons}
	_, sum, err := runOver(r, fiveObjects)
	check.That(t, err == nil && sum.Logons == 0 && *calls == 0, "B-26: plain descriptors: %d calls, %+v, %v, want none",
		*calls, sum, err)
	failing := func(logon.Kind) (*directory.Directory, error) { return nil, fmt.Errorf("too many groups") }
	r = &bulk.Run{Directory: dir, Rights: check.Must(words.Parse("read")), Format: bulk.JSONL, Logons: failing}
	out, sum, err := runOver(r, objects)
	check.That(t, err == nil && sum.Unreadable == 0 &&
		strings.Count(out, "the other kinds are not known: --logon kerberos: too many groups") == 3,
		"B-26: tokens that cannot be built: %+v, %v, want 3 rows with a note\n%s", sum, err, out)
	share := &bulk.Run{Directory: dir, Rights: check.Must(words.Parse("read")), Format: bulk.JSONL, Logons: logons,
		Share: sddl.MustParse("D:(A;;FA;;;S-1-18-1)")}
	out = rowsOf(t, share, objects)
	check.Equal(t, strings.Count(out, "--logon ntlm: 2 fewer"), 4, "B-26: notes in four rows behind a share\n%s", out)
}

// TestKindNotesEqualSeparateRuns compares the notes for random lists with runs for each kind alone.
func TestKindNotesEqualSeparateRuns(t *testing.T) {
	rnd := rand.New(rand.NewPCG(randtest.Seed(t), 44))
	sids := []string{"WD", "NU", "IU", "SU", "S-1-18-1", "S-1-5-64-10", "S-1-5-113", "S-1-5-114", "S-1-2-0", "S-1-2-1",
		"BA", "AU", "S-1-5-21-1-2-3-1107"}
	var in bytes.Buffer
	for i := range randtest.Size(1500) {
		fmt.Fprintf(&in, `{"path":"/%d","sd":"O:BAG:SYD:`, i)
		for range 1 + rnd.IntN(4) {
			fmt.Fprintf(&in, "(%c;;F%c;;;%s)", "AAD"[rnd.IntN(3)], "RA"[rnd.IntN(2)], sids[rnd.IntN(len(sids))])
		}
		in.WriteString("\"}\n")
	}
	const people = twoUsers + "  - {name: root, sid: S-1-5-21-9-9-9-500, memberOf: [BA]}\n" +
		"  - {name: unix, sid: S-1-22-1-7}\n  - {name: guest, sid: S-1-5-21-1-2-3-501}\n"
	for _, computer := range []string{"", "computer: S-1-5-21-9-9-9\n"} {
		type row struct {
			Principals []string
			Note       string
		}
		read := func(k logon.Kind, notes bool) []row {
			dir := check.Must(check.Must(dirfile.Read([]byte(computer + people))).LoggedOn(k))
			r := &bulk.Run{Directory: dir, Rights: check.Must(words.Parse("read")), Format: bulk.JSONL}
			if notes {
				r.Logons, _ = counting(dir)
			}
			return decode[row](t, rowsOf(t, r, in.String()))
		}
		var alone [len(logon.Kinds)][]row
		for i, k := range logon.Kinds {
			alone[i] = read(k, false)
		}
		for i, k := range logon.Kinds {
			for n, x := range read(k, true) {
				for j, other := range logon.Kinds {
					differs := !slices.Equal(alone[i][n].Principals, alone[j][n].Principals)
					check.Require(t, strings.Contains(x.Note, "--logon "+other.String()+":"), differs,
						"B-26: row %d of %v: note %q names %v, whose run has %v", n, k, x.Note, other,
						alone[j][n].Principals)
				}
			}
		}
	}
}

// TestKindNoteCoversParentFolders checks that a folder on the way that only some kinds of logon can search changes the
// answer for an object with a plain descriptor (B-20, B-26).
func TestKindNoteCoversParentFolders(t *testing.T) {
	dir := check.Must(dirfile.Read([]byte(twoUsers)))
	way := new(objects.Ways).With(nil, sddl.MustParse("O:SYG:SYD:(A;;FX;;;S-1-18-1)"))
	var out strings.Builder
	r := &bulk.Run{Directory: dir, Rights: check.Must(words.Parse("read")), Format: bulk.JSONL, Out: &out,
		Source: &behind{dacl: "O:BAG:SYD:(A;;FR;;;WD)", way: way}}
	r.Logons, _ = counting(dir)
	sum, err := r.Do(context.Background())
	check.That(t, err == nil && sum.Logons == 1 && strings.Contains(out.String(), "--logon ntlm: 2 fewer"),
		"B-26: %+v, %v, want a note about NTLM\n%s", sum, err, out.String())
}
