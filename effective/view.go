package effective

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
)

// Principal is a token with a name, which stays when the token changes.
type Principal struct {
	Name  string
	Token *token.Token
}

// Change is one result of a View that has changed.
type Change struct {
	Object    string
	Principal string
	Right     int  // index into the rights of the question
	Allowed   bool // the new result
}

// View stores the results of one question for named objects and principals.
// When one of them changes, it reports which results change, and evaluates only
// new pairs. It belongs to one goroutine. Do not use the zero value: [NewView]
// returns a View.
type View struct {
	cfg     Config
	q       Question
	slots   []Principal    // a principal keeps its slot; one without a token is free
	at      map[string]int // slot of each principal
	prints  map[string]string
	all     *Evaluator // over all slots; nil: principals have changed since
	objects map[string]*kept
	shared  map[string]*kept // by the bytes of the descriptor
}

// kept is a descriptor with its stored results by principal, and the objects that share it.
type kept struct {
	d       *sd.Descriptor
	bytes   string // key in shared; "" for one that shares no answers
	sets    []Set
	objects map[string]struct{}
}

// NewView returns a view without objects and principals. The error is that of
// [NewEvaluator].
func NewView(q Question, cfg Config) (*View, error) {
	if _, err := q.rights(); err != nil {
		return nil, err
	}
	return &View{cfg: cfg, q: q, at: map[string]int{}, prints: map[string]string{}, objects: map[string]*kept{},
		shared: map[string]*kept{}}, nil
}

// Allowed returns the current result for one object, principal and right. right is an
// index into Question.Rights. It returns false for names that are not in the view.
func (v *View) Allowed(object, principal string, right int) bool {
	k, slot := v.objects[object], 0
	slot, ok := v.at[principal]
	return ok && k != nil && right >= 0 && right < len(k.sets) && k.sets[right].Has(slot)
}

// Put sets the descriptor of a new or existing object and returns the changed
// results. A nil descriptor grants nothing. After an error the view is
// unchanged.
func (v *View) Put(object string, d *sd.Descriptor) ([]Change, error) {
	next, err := v.find(d)
	if err != nil {
		return nil, err
	}
	was := v.objects[object]
	if was == next {
		return nil, nil
	}
	out := v.changes(nil, object, setsOf(was), next.sets)
	v.drop(object, was)
	next.objects[object] = struct{}{}
	v.objects[object] = next
	return sorted(out), nil
}

// Remove removes an object and returns a change for each principal and right that
// it loses. It returns nil for an unknown object.
func (v *View) Remove(object string) []Change {
	was := v.objects[object]
	out := v.changes(nil, object, setsOf(was), nil)
	v.drop(object, was)
	delete(v.objects, object)
	return sorted(out)
}

// setsOf returns the stored results of k, nil for nil.
func setsOf(k *kept) []Set {
	if k == nil {
		return nil
	}
	return k.sets
}

// drop ends an object's use of the stored results k, and removes k with its last object. It does nothing for nil.
func (v *View) drop(object string, k *kept) {
	if k == nil {
		return
	}
	delete(k.objects, object)
	if len(k.objects) == 0 {
		delete(v.shared, k.bytes)
	}
}

// find returns the stored results for a descriptor with equal bytes. If there are none, it evaluates d and stores the
// results. A descriptor whose result can change from one moment to the next always gets results of its own.
func (v *View) find(d *sd.Descriptor) (*kept, error) {
	if v.all == nil {
		e, err := v.evaluator(v.slots)
		if err != nil {
			return nil, err
		}
		v.all = e
	}
	k := &kept{d: d, objects: map[string]struct{}{}}
	if v.all.Repeatable(d) {
		k.bytes = "-"
		if d != nil {
			k.bytes = string(d.AppendOriginal(nil))
		}
		if known := v.shared[k.bytes]; known != nil {
			return known, nil
		}
		v.shared[k.bytes] = k
	}
	for _, s := range v.all.Allowed(d) {
		k.sets = append(k.sets, slices.Clone(s))
	}
	v.free(k)
	return k, nil
}

// evaluator returns an Evaluator for the tokens in some slots; a slot is a principal's place in the results. A free
// slot gets an anonymous token, and free clears its results later. The error is that of [NewEvaluator].
func (v *View) evaluator(slots []Principal) (*Evaluator, error) {
	tokens := make([]*token.Token, len(slots))
	for i := range slots {
		if tokens[i] = slots[i].Token; tokens[i] == nil {
			t, err := token.New(token.Anonymous(false))
			if err != nil {
				return nil, fmt.Errorf("effective: free slot: %w", err)
			}
			tokens[i] = t
		}
	}
	return NewEvaluator(Compile(tokens, v.cfg), v.q)
}

// free clears the results in k of slots that have no principal. The other results stay.
func (v *View) free(k *kept) {
	for i := range v.slots {
		if v.slots[i].Token == nil {
			for _, s := range k.sets {
				s[i/64] &^= 1 << (i % 64)
			}
		}
	}
}

// SetPrincipals replaces all principals and returns the changed results. It
// evaluates the principals whose token is new, or differs in data that a check
// can read, against each distinct descriptor. If a name occurs twice, the last
// one counts. A principal with a nil token is removed.
func (v *View) SetPrincipals(next []Principal) ([]Change, error) {
	byName := map[string]*token.Token{}
	for _, p := range next {
		byName[p.Name] = p.Token
	}
	changed := v.place(byName)
	if len(changed) == 0 {
		return nil, nil
	}
	v.all = nil
	subset := make([]Principal, len(changed))
	for i, slot := range changed {
		subset[i] = v.slots[slot]
	}
	e, err := v.evaluator(subset)
	if err != nil {
		return nil, err
	}
	var out []Change
	for k := range v.distinct() {
		out = v.renew(out, k, e, changed)
	}
	for _, slot := range changed {
		if p := &v.slots[slot]; p.Token == nil {
			delete(v.at, p.Name)
			p.Name = ""
		}
	}
	return sorted(out), nil
}

// place assigns a slot to every principal of next. It returns the slots whose token changed, each once; with a
// callback, all slots with a token. A nil token removes the principal. A removed principal's slot keeps its name
// until the changes are reported.
func (v *View) place(next map[string]*token.Token) (changed []int) {
	for i := range v.slots {
		p := &v.slots[i]
		if p.Token != nil && next[p.Name] == nil {
			p.Token = nil
			delete(v.prints, p.Name)
			changed = append(changed, i)
		}
	}
	free := 0
	for _, name := range slices.Sorted(maps.Keys(next)) {
		t := next[name]
		if t == nil {
			continue
		}
		f := Fingerprint(t)
		slot, known := v.at[name]
		if known && v.prints[name] == f && v.cfg.Options.Callback == nil {
			v.slots[slot].Token = t
			continue
		}
		if !known {
			for free < len(v.slots) && v.taken(free) {
				free++
			}
			if free == len(v.slots) {
				v.slots = append(v.slots, Principal{})
			}
			slot = free
			v.at[name] = slot
		}
		v.slots[slot] = Principal{name, t}
		v.prints[name] = f
		changed = append(changed, slot)
	}
	return changed
}

// taken reports whether a principal, whose name may be empty, has the slot.
func (v *View) taken(slot int) bool {
	at, ok := v.at[v.slots[slot].Name]
	return ok && at == slot
}

// distinct returns each stored result that some object uses, once.
func (v *View) distinct() map[*kept]struct{} {
	out := map[*kept]struct{}{}
	for _, k := range v.objects {
		out[k] = struct{}{}
	}
	return out
}

// renew evaluates some slots of a descriptor again, stores the results in k, and appends the changes of each object
// to out. e must be the evaluator of these slots, in the same order.
func (v *View) renew(out []Change, k *kept, e *Evaluator, slots []int) []Change {
	words := (len(v.slots) + 63) / 64
	fresh := e.Allowed(k.d)
	for r := range fresh {
		for len(k.sets[r]) < words {
			k.sets[r] = append(k.sets[r], 0)
		}
		for i, slot := range slots {
			is := fresh[r].Has(i) && v.slots[slot].Token != nil
			if k.sets[r].Has(slot) == is {
				continue
			}
			k.sets[r][slot/64] ^= 1 << (slot % 64)
			for object := range k.objects {
				out = append(out, Change{object, v.slots[slot].Name, r, is})
			}
		}
	}
	return out
}

// changes appends to out the differences between an object's results was and is. A missing result, nil, has no
// principals.
func (v *View) changes(out []Change, object string, was, is []Set) []Change {
	for r := range max(len(was), len(is)) {
		var a, b Set
		if r < len(was) {
			a = was[r]
		}
		if r < len(is) {
			b = is[r]
		}
		for i := range v.slots {
			if a.Has(i) != b.Has(i) {
				out = append(out, Change{object, v.slots[i].Name, r, b.Has(i)})
			}
		}
	}
	return out
}

// sorted sorts changes by object, principal and right, in place, and returns them.
func sorted(out []Change) []Change {
	slices.SortFunc(out, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Object, b.Object), cmp.Compare(a.Principal, b.Principal), cmp.Compare(a.Right, b.Right))
	})
	return out
}
