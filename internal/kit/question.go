package kit

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/refmon/refmon/internal/kit/oracle"
)

// Version is the version of the protocol, the field "kit" of each question.
const Version = 1

// Question is one question of the conformance kit with its right answers. In and Out marshal to the fields of
// docs/kit.md. A nil Out means that the question is malformed, and the right answer is the error "invalid".
type Question struct {
	ID, Suite, Op string
	In            json.RawMessage
	Out           *Out
	Either        []*Out   // other right answers, where the documents and Windows differ or allow both (B-41)
	Chosen        []*Out   // answers under the opposite of a choice of refmon: they differ and are not wrong (B-42)
	Rules         []string // ids of docs/rules, the deciding one first
	Known         string   // how the answer is known: [Recorded], [Documented], [Agree] or [Decided]
}

// Out is the result in an answer, its field "out". Each operation has some of the fields.
type Out struct {
	SDDL       string        `json:"sddl,omitempty"`
	Hex        string        `json:"hex,omitempty"`
	Status     string        `json:"status,omitempty"`
	Granted    *oracle.Word  `json:"granted,omitempty"`
	Privileges *[]string     `json:"privileges,omitempty"`
	Results    []oracle.Node `json:"results,omitempty"`
	Token      *oracle.Token `json:"token,omitempty"`
	Level      *int          `json:"level,omitempty"`
	Recorded   *bool         `json:"recorded,omitempty"`
	Entries    *[]int        `json:"entries,omitempty"`
}

// Line returns the question as the line that an adapter reads. The answer is not in it.
func (q *Question) Line() string {
	return fmt.Sprintf(`{"kit":%d,"id":%q,"suite":%q,"op":%q,"in":%s}`, Version, q.ID, q.Suite, q.Op, q.In)
}

// makers generate the suites, in the order of docs/kit.md.
var makers = []struct {
	suite string
	make  func(*builder)
}{{"sddl", makeSDDL}, {"bytes", makeBytes}, {"inherit", makeInherit}, {"access", makeAccess}, {"policy", makePolicy},
	{"token", makeToken}, {"ladder", makeLadder}, {"audit", makeAudit}}

// Suites returns the names of the suites.
func Suites() (names []string) {
	for _, m := range makers {
		names = append(names, m.suite)
	}
	return names
}

// made has the questions of each suite, generated at the first use.
var made = func() map[string]func() []*Question {
	all := map[string]func() []*Question{}
	for _, m := range makers {
		all[m.suite] = sync.OnceValue(func() []*Question {
			b := builder{suite: m.suite, seen: map[string]bool{}}
			m.make(&b)
			return b.finish()
		})
	}
	return all
}()

// Questions returns the questions of the named suites, or of all suites if none is named. They have the order of
// Suites, and a suite named twice counts once. An unknown suite is an error. Callers must not change the questions.
func Questions(suites ...string) ([]*Question, error) {
	for _, s := range suites {
		if !slices.Contains(Suites(), s) {
			return nil, fmt.Errorf("suite %q: choose one of %v", s, Suites())
		}
	}
	var out []*Question
	for _, s := range Suites() {
		if len(suites) == 0 || slices.Contains(suites, s) {
			out = append(out, made[s]()...)
		}
	}
	return out, nil
}

// OfKnown selects the questions whose right answers have one of these kinds of evidence, such as [Recorded]. It
// returns the given slice itself if no kind is given. An unknown kind is an error. The given slice stays unchanged.
func OfKnown(questions []*Question, ways ...string) ([]*Question, error) {
	for _, w := range ways {
		if !slices.Contains(strength, w) {
			return nil, fmt.Errorf("known %q: choose from %v", w, Ways())
		}
	}
	if len(ways) == 0 {
		return questions, nil
	}
	return slices.DeleteFunc(slices.Clone(questions), func(q *Question) bool {
		return !slices.Contains(ways, q.Known)
	}), nil
}

// builder collects the questions of one suite.
type builder struct {
	suite string
	drawn bool            // several rules at once, drawn at random: at most Agree
	seen  map[string]bool // operation and input
	list  []*Question
}

// add adds a question to the suite and returns it. If the suite already has one with this operation and input, the
// returned question is not in the suite. A nil out means that the input is malformed.
func (b *builder) add(op string, in any, out *Out, rules ...string) *Question {
	text, err := json.Marshal(in)
	if err != nil {
		panic("kit: " + err.Error())
	}
	q := &Question{Suite: b.suite, Op: op, In: text, Out: out, Rules: unique(rules), Known: known(rules)}
	if b.drawn && q.Known != Decided {
		q.Known = Agree
	}
	if key := op + string(text); !b.seen[key] {
		b.seen[key] = true
		b.list = append(b.list, q)
	}
	return q
}

// finish sorts the questions by the length of the input, sets their ids, and returns them.
func (b *builder) finish() []*Question {
	slices.SortStableFunc(b.list, func(x, y *Question) int { return cmp.Compare(len(x.In), len(y.In)) })
	for i, q := range b.list {
		q.ID = fmt.Sprintf("%s.%06d", b.suite, i+1)
	}
	return b.list
}

// unique returns list without repetitions, in the order of first occurrence; nil for an empty list.
func unique(list []string) (out []string) {
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
