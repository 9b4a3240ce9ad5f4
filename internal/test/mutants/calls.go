package mutants

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// listing is chosen in place of a mutant's number to list the functions that are called.
const listing = -1

// choice is the source of the file that each package with mutants gets. One file contains the number of the chosen
// mutant. If that is listing, the program appends to another the numbers of the mutants whose functions it calls. The
// paths of both are part of the program, so a copy that a test starts finds them, whatever its environment is.
const choice = `package %s

import (
	"os"
	"strconv"
	"sync"
)

var refmonMutant = func() int {
	b, _ := os.ReadFile(%q)
	n, _ := strconv.Atoi(string(b))
	return n
}()

var refmonListed sync.Map

func refmonList(numbers ...int) {
	for _, n := range numbers {
		if _, listed := refmonListed.LoadOrStore(n, true); listed {
			continue
		}
		f, err := os.OpenFile(%q, os.O_APPEND|os.O_WRONLY, 0)
		if err == nil {
			_, err = f.WriteString(strconv.Itoa(n) + "\n")
			f.Close()
		}
		if err != nil {
			refmonListed.Delete(n)
		}
	}
}
`

// findCalls runs the tests of a package one by one, and notes in b.calls which of them call the functions that have
// mutants. It stops after several times the duration of all tests together. The tests that it did not run, and those
// that fail alone, are b.rest.
func (t *Together) findCalls(b *binary, folder string) error {
	out, failed, err := t.start(*b, 0, folder, []string{"-test.list=^(Test|Example|Fuzz)"})
	if failed {
		err = fmt.Errorf("%w: the list of tests of %s: %s", errRed, folder, out)
	}
	if err != nil {
		return err
	}
	b.calls = map[int][]string{}
	end := time.Now().Add(20*time.Second + 5*b.took)
	for test := range strings.FieldsSeq(string(out)) {
		if time.Now().After(end) {
			b.rest = append(b.rest, test)
			continue
		}
		// Tests run programs as other users.
		if err := errors.Join(os.WriteFile(t.called, nil, 0o600), os.Chmod(t.called, 0o666)); err != nil {
			return err
		}
		_, failed, err := t.run(*b, listing, folder, anyOf([]string{test}))
		if err != nil {
			return err
		}
		if failed {
			b.rest = append(b.rest, test)
			continue
		}
		numbers, err := os.ReadFile(t.called)
		if err != nil {
			return err
		}
		for line := range strings.FieldsSeq(string(numbers)) {
			n, err := strconv.Atoi(line)
			if err != nil {
				return err
			}
			if !slices.Contains(b.calls[n], test) {
				b.calls[n] = append(b.calls[n], test)
			}
		}
	}
	return nil
}
