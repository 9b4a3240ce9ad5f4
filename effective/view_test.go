package effective_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestView drives a view by random changes of objects and principals. After
// each the changes it told, applied to the old answers, must give the answers
// of the access check, and none may be told that is no change.
func TestView(t *testing.T) {
	w := world{rand.New(rand.NewPCG(randtest.Seed(t), 2))}
	for range 20 {
		q := effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{1, winnt.FILE_ALL_ACCESS}}
		v := must(effective.NewView(q, effective.Config{}))
		objects, people := map[string]*sd.Descriptor{}, map[string]*token.Token{}
		answers := map[effective.Change]bool{}
		pool := []*sd.Descriptor{nil, w.descriptor(), w.descriptor(), w.descriptor()}
		for step := range 60 {
			var told []effective.Change
			name := fmt.Sprint("object", w.IntN(8))
			switch w.IntN(4) {
			case 0:
				told = v.Remove(name)
				delete(objects, name)
			case 1:
				objects[name] = pick(w, pool)
				told = must(v.Put(name, objects[name]))
			case 2:
				objects[name] = w.descriptor()
				told = must(v.Put(name, objects[name]))
			default:
				for range 1 + w.IntN(10) {
					who := fmt.Sprint("user", w.IntN(100))
					if people[who] = w.token(); w.one(3) {
						delete(people, who)
					}
				}
				var list []effective.Principal
				for _, who := range slices.Sorted(maps.Keys(people)) {
					list = append(list, effective.Principal{Name: who, Token: people[who]})
				}
				told = must(v.SetPrincipals(list))
			}
			if !slices.IsSortedFunc(told, func(a, b effective.Change) int {
				return cmp.Or(cmp.Compare(a.Object, b.Object), cmp.Compare(a.Principal, b.Principal), cmp.Compare(a.Right,
					b.Right))
			}) {
				t.Fatalf("step %d: not by object, principal and right: %+v", step, told)
			}
			for _, c := range told {
				k := effective.Change{Object: c.Object, Principal: c.Principal, Right: c.Right}
				if answers[k] == c.Allowed {
					t.Fatalf("step %d: %+v is no change", step, c)
				}
				answers[k] = c.Allowed
			}
			checkView(t, v, q, objects, people, answers)
		}
	}
}

func checkView(t *testing.T, v *effective.View, q effective.Question, objects map[string]*sd.Descriptor,
	people map[string]*token.Token, answers map[effective.Change]bool) {
	t.Helper()
	allowed := 0
	for object, d := range objects {
		for who, tok := range people {
			for r, desired := range q.Rights {
				want := must(access.Check(tok, d, desired, q.Type)).Allowed()
				if want {
					allowed++
				}
				if v.Allowed(object, who, r) != want ||
					answers[effective.Change{Object: object, Principal: who, Right: r}] != want {
					t.Fatalf("%s %s right %d: the check says %t, the view %t, what it told %t", object, who, r, want,
						v.Allowed(object, who, r), answers[effective.Change{Object: object, Principal: who, Right: r}])
				}
			}
		}
	}
	for _, is := range answers {
		if is {
			allowed--
		}
	}
	if allowed != 0 {
		t.Fatalf("%d answers too few or too many are kept", allowed)
	}
}

// The first change of everything is everything; putting the same again is no change.
func TestViewTellsOnce(t *testing.T) {
	tokens, ds := office(10, 1)
	v := must(effective.NewView(effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{1}},
		effective.Config{}))
	var list []effective.Principal
	for i, tok := range tokens {
		list = append(list, effective.Principal{Name: fmt.Sprint(i), Token: tok})
	}
	must(v.SetPrincipals(list))
	first := must(v.Put("a", ds[0]))
	again, twin := must(v.Put("a", ds[0])), must(v.Put("b", ds[0]))
	if len(again) != 0 || len(first) != len(twin) || len(must(v.SetPrincipals(list))) != 0 {
		t.Errorf("first %v, again %v, another object %v", first, again, twin)
	}
	if _, err := effective.NewView(effective.Question{}, effective.Config{}); err == nil {
		t.Error("a question without a type is accepted")
	}
}

// TestViewOfStrangers: an object, a principal or a right that the view does not know is allowed nothing,
// whatever the others of the question are; what was removed is unknown again.
func TestViewOfStrangers(t *testing.T) {
	tokens, _ := office(2, 1)
	v := must(effective.NewView(effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{1, 2}},
		effective.Config{}))
	d := sddl.MustParse("O:SYG:SYD:(A;;0x1;;;WD)")
	if told := must(v.SetPrincipals([]effective.Principal{{Name: "p", Token: tokens[0]}})); len(told) != 0 {
		t.Errorf("told %v", told)
	}
	told := must(v.Put("o", d))
	want := effective.Change{Object: "o", Principal: "p", Right: 0, Allowed: true}
	if len(told) != 1 || told[0] != want {
		t.Errorf("told %v, want %v", told, want)
	}
	for _, object := range []string{"o", "other", ""} {
		for _, principal := range []string{"p", "other", ""} {
			for right := -1; right < 4; right++ {
				want := object == "o" && principal == "p" && right == 0
				if got := v.Allowed(object, principal, right); got != want {
					t.Errorf("%q on %q, right %d: %t", principal, object, right, got)
				}
			}
		}
	}
	for range 2 {
		told = v.Remove("o")
		if v.Allowed("o", "p", 0) {
			t.Error("an object that was removed is open")
		}
	}
	if told != nil {
		t.Errorf("removed again: %v", told)
	}
	if told := must(v.Put("none", nil)); len(told) != 0 || v.Allowed("none", "p", 0) {
		t.Errorf("no descriptor: %v", told)
	}
}
