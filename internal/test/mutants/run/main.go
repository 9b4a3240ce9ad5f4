// Command run applies mutants of package mutants to refmon, one after the other, and prints which of them the tests
// detect. Run it in the module's root.
//
//	go run ./internal/test/mutants/run -sample 10          ten random recorded mutants
//	go run ./internal/test/mutants/run -seed 7 -sample 10  the ten of seed 7
//	go run ./internal/test/mutants/run -match A-61         those with a text in their name or folder
//	go run ./internal/test/mutants/run -table FILE         all, as a table
//	go run ./internal/test/mutants/run -lot FILE           those of another file
//	go run ./internal/test/mutants/run -draw 20 -in core   20 new ones, made by operators in random functions
//
// If there are more than a few mutants, each package's tests are built once with all of them. For a mutant, the tests
// that cite its rule run first, and then those that call its function.
//
// The exit code is 0 if at most as many mutants survived as -allow says, 1 if more did, and 2 if a mutant does not
// compile or the tests fail without it. A mutant whose old text no longer exists is reported and left out.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/refmon/refmon/internal/test/mutants"
)

var (
	sample = flag.Int("sample", 0, "number of recorded mutants in a random sample; 0 takes all")
	seed   = flag.Uint64("seed", uint64(time.Now().UnixNano()), "seed of -sample and -draw")
	match  = flag.String("match", "", "only mutants with this text in folder or name; with -draw, only such folders")
	except = flag.String("except", "", "skip mutants with one of these comma-separated texts in their folder or name")
	table  = flag.Bool("table", false, "print a table of the outcomes, as Markdown")
	own    = flag.Bool("own", false, "run the tests of the mutant's own package only")
	allow  = flag.Int("allow", 0, "maximum number of surviving mutants")
	jobs   = flag.Int("jobs", 1, "number of mutants to test at once, if each has a build of its own")
	lot    = flag.String("lot", "", "file of mutants to test instead of lists/, in the same format")
	apart  = flag.Bool("apart", false, "build each mutant separately")
	skip   = flag.String("skip", "", "pattern of tests to skip in builds with many mutants")
	limit  = flag.Duration("for", 0, "stop after this time; 0 means no limit")
	draw   = flag.Int("draw", 0, "number of new mutants to make in random functions, instead of the recorded ones")
	in     = flag.String("in", "all", "part of the code for -draw: "+strings.Join(mutants.Rooms, ", "))
)

// few is the number of mutants up to which separate builds are faster than one build of all.
const few = 20

// main runs the listed mutants, or with -draw new random ones. It exits with 2 after an error, and else with the code
// of the run.
func main() {
	flag.Parse()
	work := run
	if *draw > 0 {
		work = drawNew
	}
	code, err := work()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		code = 2
	}
	os.Exit(code)
}

// run runs the tests against the chosen mutants and returns the exit code.
func run() (int, error) {
	list, err := chosen()
	if err != nil {
		return 0, err
	}
	r, end, err := newRunner()
	if err != nil {
		return 0, err
	}
	defer end()
	one := r.Ask
	if len(list) > few && !*apart {
		t, err := mutants.NewTogether(r, list)
		if err != nil {
			return 0, err
		}
		one, *jobs = t.Ask, 1
	}
	answers := ask(one, list)
	var rows []mutants.Row
	survived, broken, late := 0, 0, false
	for i, f := range list {
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
			rows = append(rows, mutants.Row{Mutant: f, Outcome: a.outcome})
		}
	}
	if late {
		fmt.Println("stopped before all were asked")
	}
	fmt.Printf("%d of %d mutants asked, %d survived\n%s\n", len(rows), len(list), survived, mutants.Rules(rows))
	if *table {
		fmt.Println(mutants.Table(rows))
	}
	switch {
	case broken > 0:
		return 0, fmt.Errorf("%d mutants could not be asked", broken)
	case survived > *allow:
		return 1, nil
	}
	return 0, nil
}

// newRunner returns a runner that stops after -for or at an interrupt, and the function that removes its files.
func newRunner() (*mutants.Runner, func(), error) {
	scratch, err := os.MkdirTemp("", "refmon-mutants")
	if err != nil {
		return nil, nil, err
	}
	if err := os.Chmod(scratch, 0o711); err != nil { // tests run programs as other users
		return nil, nil, err
	}
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt)
	cancel := func() {}
	if *limit > 0 {
		ctx, cancel = context.WithTimeout(ctx, *limit)
	}
	r := &mutants.Runner{Root: ".", Scratch: scratch, Own: *own, Skip: *skip, Context: ctx}
	return r, func() {
		cancel()
		release()
		if err := r.Clean(); err != nil {
			fmt.Fprintln(os.Stderr, "mutants:", err)
		}
	}, nil
}

// answer holds the tests' answer about one mutant. Immutable.
type answer struct {
	outcome mutants.Outcome
	err     error
}

// ask asks about the mutants, as many at a time as -jobs says, prints each answer when it comes, and
// sends it to the channel of its mutant, which has room for it.
func ask(one func(mutants.Mutant) (mutants.Outcome, error), list []mutants.Mutant) []chan answer {
	answers := make([]chan answer, len(list))
	for i := range answers {
		answers[i] = make(chan answer, 1)
	}
	next := make(chan int, len(list))
	for i := range list {
		next <- i
	}
	close(next)
	for range max(1, *jobs) {
		go func() {
			for i := range next {
				f, begun := list[i], time.Now()
				outcome, err := one(f)
				tell(f, outcome, err, time.Since(begun))
				answers[i] <- answer{outcome, err}
			}
		}()
	}
	return answers
}

// tell prints the outcome of one mutant.
func tell(f mutants.Mutant, outcome mutants.Outcome, err error, took time.Duration) {
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

// chosen returns the mutants that the flags ask for.
func chosen() ([]mutants.Mutant, error) {
	all, err := mutants.All()
	if *lot != "" {
		all, err = mutants.Lot(*lot)
	}
	if err != nil {
		return nil, err
	}
	var list []mutants.Mutant
	for _, f := range all {
		text := f.Folder + " " + f.Name
		out := slices.ContainsFunc(strings.Split(*except, ","), func(e string) bool {
			return e != "" && strings.Contains(text, e)
		})
		if strings.Contains(text, *match) && !out {
			list = append(list, f)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("no mutant has %q in its folder or name", *match)
	}
	if *sample > 0 && *sample < len(list) {
		fmt.Printf("seed %d\n", *seed)
		rng := rand.New(rand.NewPCG(*seed, *seed))
		rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		list = list[:*sample]
	}
	return list, nil
}
