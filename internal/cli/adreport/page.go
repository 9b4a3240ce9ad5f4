package adreport

import (
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/cli/reach"
)

// Lengths of the lists on a page. Whatever exceeds them is counted on the page.
const (
	maxNames   = 40   // names in one cell
	maxRoutes  = 200  // paths to one object
	maxExact   = 2000 // principals whose first step is evaluated, of one object
	maxSamples = 2000 // objects of one row that are not important
	maxRows    = 5000 // rows of one table
)

// Page holds the data of a report.
type Page struct {
	Title                         string
	Objects, Principals, Disabled int
	Administrators                Names
	Important                     []Target
	Direct                        []Grants
	Vacant                        []Grants // the same for accounts that no principal has
	Entries                       []EntryRow
	steps                         int      // entries that rows of rights are about
	Changes                       *Changes // nil: there was no baseline
	Notes                         []string // what the report does not consider
	byDesign                      int      // entries that Entries leaves out
	Incomplete                    bool     // the search was cut short or an object could not be read
}

// Names is a possibly shortened list of names together with the full count.
type Names struct {
	Count     int
	List      []string // the first ones
	Important int      // how many of List are important objects; they are the first, and no page folds them
}

// Shown returns the names that a page shows at once: all, if they are at most most, else those of important objects.
func (n Names) Shown(most int) []string {
	if n.Count <= most {
		return n.List
	}
	return n.List[:n.Important]
}

// Folded returns the names that Shown leaves out.
func (n Names) Folded(most int) []string { return n.List[len(n.Shown(most)):] }

// More returns the number of names that List leaves out.
func (n Names) More() int { return n.Count - len(n.List) }

// Target is the page's row for an important object: the direct rights on it, and the attack paths to it.
type Target struct {
	Object, Kind string
	Direct       []Grants // direct rights of others than administrators
	Routes       []Route  // of others than administrators, the shortest first
	Reach        int      // others that reach it
	Others       int      // principals that are not administrators
	Administer   int      // administrators that reach it
	More         int      // principals whose routes are not listed
}

// Route is a shortest attack path to an important object, with the principals that can take it.
type Route struct {
	Who     Names
	Steps   []Step
	Through string // the first important object on the way, by its kind; "": there is none
}

// Ways returns the attack paths of several steps that go through no other important object. Routes of one step are in
// Direct. It returns nil if there are none.
func (t *Target) Ways() (list []Route) {
	for _, r := range t.Routes {
		if r.Through == "" && len(r.Steps) > 1 {
			list = append(list, r)
		}
	}
	return list
}

// Detour is the group of routes that lead through another important object of one kind.
type Detour struct {
	Through string
	Count   int // principals
	Routes  []Route
}

// Detours returns the routes that go through other important objects, grouped by the kind of that object. It returns
// nil without any. The kinds are in the order of their first route.
func (t *Target) Detours() (list []Detour) {
	at := map[string]int{}
	for _, r := range t.Routes {
		if r.Through == "" {
			continue
		}
		n, ok := at[r.Through]
		if !ok {
			n, at[r.Through] = len(list), len(list)
			list = append(list, Detour{Through: r.Through})
		}
		list[n].Count += r.Who.Count
		list[n].Routes = append(list[n].Routes, r)
	}
	return list
}

// Step is one step of a Route in words: Who uses the Right on the Object, and what that gives. By names the account
// that has the right.
type Step struct{ Who, Right, Object, By, Gives string }

// Grants is a set of rights that some principals have on some objects through the same entries.
type Grants struct {
	Rights  []string
	Who     Names
	Via     string // whose entry, ownership or privilege
	Objects Names
}

// EntryRow counts equal entries that no row of rights shows.
type EntryRow struct {
	Account, Rights, Kind string
	Objects, Important    int    // objects with such an entry, and how many of them are important
	Sample                string // the first important object, or else the first object
	reads                 bool   // it changes nothing
}

// count fills in the numbers at the top of the page: objects, principals, disabled accounts and administrators.
func (p *Page) count(s *side, state *State) {
	d := state.Directory
	p.Objects, p.Principals, p.Disabled = len(state.Objects), len(d.Principals), d.Disabled
	p.Administrators = s.names(s.admins)
}

// names returns the number of principals in a set and the names of the first maxNames.
func (s *side) names(set effective.Set) Names {
	n := Names{Count: set.Count()}
	for i := range set.All() {
		if len(n.List) == maxNames {
			break
		}
		n.List = append(n.List, s.name(i))
	}
	return n
}

// important fills in the page's section of important objects: for each one the direct rights on it, and the attack
// paths to it. It ends at the first error. The survey must be complete.
func (p *Page) important(s *side) error {
	at := map[int][]reach.Right{}
	for _, x := range s.rights {
		at[x.object] = x.rights
	}
	for _, t := range s.targets {
		row := Target{Object: s.search.Objects[t.object].Path, Kind: t.kind, Others: s.everyone}
		var err error
		if list := at[t.object]; list != nil {
			if row.Direct, err = s.grants([]objectRights{{t.object, list}}); err != nil {
				return err
			}
		}
		in := s.survey.Whom(t.object)
		others := slices.DeleteFunc(slices.Clone(in.Order), func(i int) bool { return s.admins.Has(i) })
		row.Reach, row.Administer = len(others), len(in.Order)-len(others)
		if row.Routes, row.More, err = s.routes(&in, others); err != nil {
			return err
		}
		p.Important = append(p.Important, row)
	}
	return nil
}

// routes returns the attack paths of the principals who to one object. in is the search result for the object. Paths
// of equal length and first step are merged. It examines at most maxExact principals and lists at most maxRoutes
// paths. more counts the principals without a listed path.
func (s *side) routes(in *reach.Inbound, who []int) (list []Route, more int, err error) {
	at := map[string]int{}
	for n, i := range who {
		if n >= maxExact {
			return list, more + len(who) - n, nil
		}
		path, err := in.Path(i)
		if err != nil {
			return nil, 0, err
		}
		first := path.Steps[0]
		key := fmt.Sprint(len(path.Steps), first.Right, first.Object, first.By)
		row, ok := at[key]
		if !ok {
			if len(list) == maxRoutes {
				more++
				continue
			}
			row, at[key] = len(list), len(list)
			list = append(list, Route{Steps: stepsOf(path), Through: s.through(path)})
		}
		w := &list[row].Who
		if w.Count++; len(w.List) < maxNames {
			w.List = append(w.List, s.name(i))
		}
	}
	return list, more, nil
}

// through returns the kind of the first important object that an attack path passes before its end, "" if there is
// none. A step by control of the domain or of AdminSDHolder passes that object, also as the only step.
func (s *side) through(p reach.Path) string {
	for n, x := range p.Steps {
		switch {
		case x.Right == reach.ControlsDomain:
			return "domain root"
		case x.Right == reach.SDProp:
			return "AdminSDHolder"
		case n == len(p.Steps)-1:
			return ""
		}
		for _, t := range s.targets {
			if s.search.Objects[t.object].Path == x.Object {
				return t.kind
			}
		}
	}
	return ""
}

// stepsOf returns the steps of a path in the page's words. It returns nil for a path without steps.
func stepsOf(p reach.Path) (out []Step) {
	for _, x := range p.Steps {
		step := Step{Who: x.Who, Right: termOf(x.Right), Object: x.Object, By: strings.Join(x.By, " and "), Gives: x.Gives}
		if len(x.Joined) > 0 {
			step.Who += " (in " + strings.Join(x.Joined, " and ") + ")"
		}
		if x.Then != "" {
			step.By += ", and as the owner " + termOf(x.Then)
		}
		out = append(out, step)
	}
	return out
}
