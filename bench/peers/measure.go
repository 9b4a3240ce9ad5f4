package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/refmon/refmon/winnt"
)

// result holds the time that one peer takes for one question.
type result struct {
	ns    float64 // median; 0: the peer does not support the question
	ratio float64 // median over the rounds of the ratio to refmon in the same round
}

// measure returns a result for each peer, in their order; peers[0] is refmon. The peers take turns in each round. A
// peer that cannot ask q has the zero result. Other errors end the measurement.
func measure(q question, peers []*peer, rounds int, turn time.Duration) ([]result, error) {
	askers := make([]asker, len(peers))
	counts := make([]int, len(peers))
	for i, p := range peers {
		a, err := checked(q, p)
		if errors.Is(err, errCannotAsk) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if counts[i], err = enough(a, turn); err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		askers[i] = a
	}
	times := make([][]float64, len(peers))
	for range rounds {
		for i, a := range askers {
			if a == nil {
				continue
			}
			t, err := a.ask(counts[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", peers[i].name, err)
			}
			times[i] = append(times[i], float64(t.Nanoseconds())/float64(counts[i]))
		}
	}
	out := make([]result, len(peers))
	for i, t := range times {
		if t == nil {
			continue
		}
		ratios := make([]float64, rounds)
		for k := range t {
			ratios[k] = t[k] / times[0][k]
		}
		out[i] = result{median(t), median(ratios)}
	}
	return out, nil
}

// checked prepares a question, having seen that the peer answers it rightly
// for the member of the deciding group and for another user.
func checked(q question, p *peer) (asker, error) {
	var member asker
	for _, is := range []bool{false, true} {
		in, err := newInput(q, is)
		if err != nil {
			return nil, err
		}
		a, err := p.prepare(in)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", p.name, q.name, err)
		}
		got, err := a.answer()
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", p.name, q.name, err)
		}
		if want := in.want(); got != want {
			return nil, fmt.Errorf("%s: %s: member %v: grants %#x, want %#x: not the same question",
				p.name, q.name, is, got, want)
		}
		member = a
	}
	return member, nil
}

// want returns the right decision, derived from the way the input was made.
func (in *input) want() winnt.AccessMask {
	switch {
	case !in.member:
		return 0
	case in.kind == maximum:
		return mask
	}
	return winnt.FILE_READ_DATA
}

// enough returns how often to ask for a turn of at least that length. It asks ever more often until it can tell.
func enough(a asker, turn time.Duration) (int, error) {
	for n := 1; ; n *= 2 {
		t, err := a.ask(n)
		if err != nil || t >= turn {
			return n, err
		}
		if t > turn/100 {
			return int(float64(n)*float64(turn)/float64(t)) + 1, nil
		}
	}
}

func median(x []float64) float64 {
	s := slices.Sorted(slices.Values(x))
	if len(s)%2 == 1 {
		return s[len(s)/2]
	}
	return (s[len(s)/2-1] + s[len(s)/2]) / 2
}
