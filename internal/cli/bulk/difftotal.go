package bulk

import (
	"fmt"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/cli/batch"
	"github.com/refmon/refmon/internal/cli/columns"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/winnt"
)

// changed returns the pairs whose masks differ. A nil mask list, of an object that does not exist, and a missing
// principal have no rights. It returns nil without a difference.
func (d *Diff) changed(t *two, masks [2][]winnt.AccessMask) (out []change) {
	for i, n := range t.pairs {
		var m [2]winnt.AccessMask
		for j, at := range t.at[i] {
			if at >= 0 && masks[j] != nil {
				m[j] = masks[j][at]
			}
		}
		if was, is := m[0], m[1]; was != is {
			out = append(out, change{who: n, was: was, is: is, gained: is &^ was, lost: was &^ is})
		}
	}
	return out
}

// group is a row of a summary, tally its sums.
type (
	group struct{ folder, cause string }
	tally struct {
		First        string // where the group was met first, to be sorted by
		Folder       string
		Cause        string
		Objects      int
		Gained, Lost winnt.AccessMask
		Was, Is      winnt.AccessMask // every right in each state
		Type         string           // of the objects: file also with directories among them; "": of several types
		Who          effective.Set    // over pairs
		last         string
	}
)

// addTally merges the group t into the group into: counts are added, rights and principals united. The first object
// is the earlier one. t stays unchanged, and must have as many words in Who as into has.
func addTally(into, t *tally) {
	into.First = min(into.First, t.First)
	into.Objects += t.Objects
	into.Gained |= t.Gained
	into.Lost |= t.Lost
	into.Was |= t.Was
	into.Is |= t.Is
	into.Type = oneType(into.Type, t.Type)
	for i := range t.Who {
		into.Who[i] |= t.Who[i]
	}
}

// costTally returns the approximate memory of t in bytes.
func costTally(t *tally) int { return 128 + len(t.Folder) + len(t.Cause) + 8*len(t.Who) }

// oneType returns the name of the type of objects of two types: file for files and directories, whose rights have the
// same masks, and "" for others.
func oneType(a, b string) string {
	file, directory := objects.TypeName(winnt.FileObject), objects.TypeName(winnt.DirectoryFileObject)
	switch {
	case a == b:
		return a
	case (a == file || a == directory) && (b == file || b == directory):
		return file
	}
	return ""
}

// add counts the changes of an object in the groups of its folder, one group for each cause. An object counts once in
// each group. The folder of a directory object is the rest of its distinguished name, a root is its own folder, and "."
// has other objects without a folder.
func (b *compared) add(d *Diff, name string, typ *winnt.ObjectType, changes []change) {
	if b.groups == nil {
		b.groups = map[group]*tally{}
	}
	folder, below := above(name, typ)
	isRoot := typ != winnt.DirectoryServiceObject && (name == "/" || trimmed(name) != name)
	switch {
	case below:
	case isRoot:
		folder = name
	default:
		folder = "."
	}
	for i := range changes {
		c := &changes[i]
		g := group{folder, c.cause}
		t := b.groups[g]
		if t == nil {
			t = &tally{Folder: folder, Cause: c.cause, Type: objects.TypeName(typ),
				Who: make(effective.Set, (len(d.pairs)+63)/64)}
			b.groups[g] = t
			b.order = append(b.order, g)
		}
		if t.last != name || t.Objects == 0 {
			t.Objects++
			t.last = name
		}
		t.Gained |= c.gained
		t.Lost |= c.lost
		t.Was |= c.was
		t.Is |= c.is
		t.Type = oneType(t.Type, objects.TypeName(typ))
		t.Who[c.who/64] |= 1 << (c.who % 64)
	}
}

// collect adds the counts of the groups of a batch to those of d.groups. at is the number of objects before the batch,
// and dates each group's first appearance. An error is of storing groups that do not fit in memory.
func (d *Diff) collect(b *compared, at int) error {
	for i, g := range b.order {
		t := b.groups[g]
		t.First = fmt.Sprintf("%016x%08x", at, i)
		if err := d.groups.merge(g.folder+"\x00"+g.cause, t); err != nil {
			return err
		}
	}
	return nil
}

// summary writes one row for each group, in the order in which the groups first appeared. It stops at the first error
// of the output. Without groups it writes nothing.
func (d *Diff) summary() error {
	sorted := newAggregate(d.CacheBytes/8, addTally, costTally)
	defer sorted.close()
	err := d.groups.each(func(_ string, t *tally) error { return sorted.merge(t.First, t) })
	if err != nil {
		return err
	}
	return sorted.each(func(_ string, t *tally) error {
		var out []byte
		who := t.Who.Count()
		switch d.Format {
		case JSONL:
			out = batch.AppendString(append(out, `{"folder":`...), t.Folder)
			out = fmt.Appendf(out, `,"objects":%d,"principals":%d,"gained":"%s","lost":"%s","cause":`,
				t.Objects, who, t.Gained.Padded(), t.Lost.Padded())
			out = append(batch.AppendString(out, t.Cause), "}\n"...)
		case CSV:
			out = appendCSV(out, t.Folder, fmt.Sprint(t.Objects), fmt.Sprint(who), t.Gained.Padded(), t.Lost.Padded(), t.Cause)
		default:
			typ := winnt.ObjectTypeByName(t.Type)
			out = appendRow(out, plain(t.Folder), plain(fmt.Sprint(t.Objects)), plain(fmt.Sprint(who)),
				worded(columns.Good, t.Gained, t.Is, typ), worded(columns.Bad, t.Lost, t.Was, typ), plain(t.Cause))
		}
		_, err := d.Out.Write(out)
		return err
	})
}
