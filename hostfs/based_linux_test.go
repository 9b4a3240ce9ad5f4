package hostfs

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// On a share with access-based enumeration a listing shows what the user who lists may
// read, by the entries' own descriptors; a name that is known can be opened all the same
// (F-71, F-72). Without it each entry is shown.
func TestAccessBased(t *testing.T) {
	for _, c := range []struct {
		name       string
		based      bool
		share      string
		alice, bob string
	}{
		{"access-based", true, "D:(A;;FA;;;WD)", "all,d,hers", "all,his"},
		{"a share without attributes", true, "D:(A;;0x120009;;;WD)", "", ""},
		{"each entry", false, "D:(A;;FA;;;WD)", "all,d,hers,his,nothing", "all,d,hers,his,nothing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, func(cfg *Config) { cfg.AccessBased, cfg.Share = c.based, sddl.MustParse(c.share) })
			w.file("all", "", "D:P(A;;FR;;;WD)")
			w.file("hers", "", "D:P(A;;FR;;;"+alice+")")
			w.file("his", "", "D:P(D;;FR;;;"+staff+")(A;;FR;;;WD)")
			w.dir("d", "D:P(A;;FR;;;"+staff+")(A;;0x100020;;;WD)")
			w.file("nothing", "", "D:P(A;;0x100002;;;WD)")
			for user, want := range map[string]string{alice: c.alice, bob: c.bob} {
				th := w.as(user)
				h := w.open(th, "", winnt.FILE_LIST_DIRECTORY, ntstatus.Success)
				var names []string
				for restart, st := true, ntstatus.Success; st == ntstatus.Success; restart = false {
					list, next := th.NtQueryDirectoryFile(h, "", restart)
					for _, e := range list {
						names = append(names, e.FileName)
					}
					st = next
				}
				if got := sorted(names); got != want {
					t.Errorf("%s sees %q, want %q", user, got, want)
				}
				if c.name == "access-based" {
					w.want(closeAny(th, w.open(th, "nothing", winnt.FILE_WRITE_DATA, ntstatus.Success)), ntstatus.Success)
				}
				w.want(th.NtClose(h), ntstatus.Success)
			}
		})
	}
}

func sorted(names []string) string {
	slices.Sort(names)
	return strings.Join(names, ",")
}
