// Command run seeds faults of package mutants into refmon, one after the other,
// and prints which of them the tests see. It runs in the module's root.
//
//	go run ./internal/test/mutants/run -sample 10          ten, drawn anew
//	go run ./internal/test/mutants/run -seed 7 -sample 10  the ten of seed 7
//	go run ./internal/test/mutants/run -match A-61         those with a word in their name
//	go run ./internal/test/mutants/run -table FILE         all, and their table
//	go run ./internal/test/mutants/run -lot FILE           those of another file
//
// More than a few faults are put into one build of each package's tests, where
// the environment chooses the one that holds.
//
// The exit code is 0 if every fault was seen, or no more survived than -allow
// says, 1 if more survived, 2 if a fault does not compile or the tests are red
// without it. One whose old text is no longer there is named and left out.
package main

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/refmon/refmon/internal/test/mutants"
)

var (
	sample = flag.Int("sample", 0, "draw so many faults; 0 takes all")
	seed   = flag.Uint64("seed", uint64(time.Now().UnixNano()), "the seed of -sample")
	match  = flag.String("match", "", "take faults with this text in their folder or name")
	except = flag.String("except", "", "leave out faults with one of these texts, between commas, in their folder or name")
	table  = flag.String("table", "", "write the table of outcomes to this file")
	own    = flag.Bool("own", false, "run the tests of the fault's own package only")
	allow  = flag.Int("allow", 0, "so many may survive")
	jobs   = flag.Int("jobs", 1, "ask about so many faults at a time, each by itself")
	lot    = flag.String("lot", "", "take the faults of this file, which is written as those of faults/ are")
	apart  = flag.Bool("apart", false, "build each fault by itself")
	skip   = flag.String("skip", "", "leave out the tests of this pattern, where many faults are in one build")
	limit  = flag.Duration("for", 0, "ask no longer than this; 0 is for ever")
)

// few faults are asked about sooner one by one than in a build of all.
const few = 20

func main() {
	flag.Parse()
	code, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		code = 2
	}
	os.Exit(code)
}

// run asks the tests about the chosen faults and returns the exit code.
func run() (int, error) {
	faults, err := chosen()
	if err != nil {
		return 0, err
	}
	scratch, err := os.MkdirTemp("", "refmon-mutants")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(scratch) //nolint:errcheck // it is below the system's temporary folder
	r := mutants.Runner{Root: ".", Scratch: scratch, Own: *own, Skip: *skip}
	if *limit > 0 {
		r.Until = time.Now().Add(*limit)
	}
	one := r.Ask
	if len(faults) > few && !*apart {
		t, err := mutants.NewTogether(&r, faults)
		if err != nil {
			return 0, err
		}
		one, *jobs = t.Ask, 1
	}
	answers := ask(one, faults)
	var rows []mutants.Row
	survived, broken, late := 0, 0, false
	for i, f := range faults {
		switch a := <-answers[i]; {
		case errors.Is(a.err, mutants.ErrTime):
			late = true
		case errors.Is(a.err, mutants.ErrStale):
		case a.err != nil:
			broken++
		default:
			if a.outcome == mutants.Survived && f.Survives == "" {
				survived++
			}
			rows = append(rows, mutants.Row{Fault: f, Outcome: a.outcome})
		}
	}
	if late {
		fmt.Printf("the time of %s is over\n", *limit)
	}
	fmt.Printf("%d of %d faults asked, %d survived\n%s\n", len(rows), len(faults), survived, mutants.Rules(rows))
	if *table != "" {
		if err := mutants.WriteTable(*table, rows); err != nil {
			return 0, err
		}
	}
	switch {
	case broken > 0:
		return 0, fmt.Errorf("%d faults could not be asked", broken)
	case survived > *allow:
		return 1, nil
	}
	return 0, nil
}

// answer holds the tests' answer about one fault. Immutable.
type answer struct {
	outcome mutants.Outcome
	err     error
}

// ask asks about the faults, as many at a time as -jobs says, prints each answer when it comes, and
// sends it to the channel of its fault, which has room for it.
func ask(one func(mutants.Fault) (mutants.Outcome, error), faults []mutants.Fault) []chan answer {
	answers := make([]chan answer, len(faults))
	for i := range answers {
		answers[i] = make(chan answer, 1)
	}
	next := make(chan int, len(faults))
	for i := range faults {
		next <- i
	}
	close(next)
	for range max(1, *jobs) {
		go func() {
			for i := range next {
				f, begun := faults[i], time.Now()
				outcome, err := one(f)
				tell(f, outcome, err, time.Since(begun))
				answers[i] <- answer{outcome, err}
			}
		}()
	}
	return answers
}

// tell prints one answer.
func tell(f mutants.Fault, outcome mutants.Outcome, err error, took time.Duration) {
	switch {
	case errors.Is(err, mutants.ErrTime):
	case err != nil:
		fmt.Fprintln(os.Stderr, "mutants:", err)
	default:
		if outcome != mutants.Survived && f.Survives != "" {
			fmt.Printf("it is seen now, although its row says that it survives: %s\n", f.Survives)
		}
		fmt.Printf("%-21s %4.0f s  %s: %s\n", outcome, took.Seconds(), f.Folder, f.Name)
	}
}

// chosen returns the faults that the flags ask for.
func chosen() ([]mutants.Fault, error) {
	all, err := mutants.Faults()
	if *lot != "" {
		all, err = mutants.Lot(*lot)
	}
	if err != nil {
		return nil, err
	}
	var faults []mutants.Fault
	for _, f := range all {
		text := f.Folder + " " + f.Name
		out := slices.ContainsFunc(strings.Split(*except, ","), func(e string) bool {
			return e != "" && strings.Contains(text, e)
		})
		if strings.Contains(text, *match) && !out {
			faults = append(faults, f)
		}
	}
	if len(faults) == 0 {
		return nil, fmt.Errorf("no fault has %q in its folder or name", *match)
	}
	if *sample > 0 && *sample < len(faults) {
		fmt.Printf("seed %d\n", *seed)
		rng := rand.New(rand.NewPCG(*seed, *seed))
		rng.Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
		faults = faults[:*sample]
	}
	return faults, nil
}
