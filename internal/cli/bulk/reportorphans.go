package bulk

import (
	"cmp"
	"slices"
	"strings"

	"github.com/refmon/refmon/winnt"
)

// orphan is an account without a name and its number of objects.
type orphan struct {
	SID     string
	Objects int
	Granted winnt.AccessMask
	Sample  string
	First   int
}

// addOrphan adds o to into. The sample is that of the earlier object. o stays unchanged.
func addOrphan(into, o *orphan) {
	into.Objects += o.Objects
	into.Granted |= o.Granted
	if o.First < into.First {
		into.First, into.Sample = o.First, o.Sample
	}
}

// mostOrphans returns the accounts without a name that appear on the most objects, and the number of all such
// accounts. At most maxListed are returned.
func mostOrphans(from *aggregate[orphan]) (out []*orphan, all int, err error) {
	trim := func() {
		slices.SortFunc(out, func(a, b *orphan) int { return cmp.Or(b.Objects-a.Objects, strings.Compare(a.SID, b.SID)) })
		out = out[:min(len(out), maxListed)]
	}
	err = from.each(func(_ string, o *orphan) error {
		all++
		if out = append(out, o); len(out) >= 8*maxListed {
			trim()
		}
		return nil
	})
	trim()
	return out, all, err
}
