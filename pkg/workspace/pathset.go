package workspace

import "hash/maphash"

// pathSet is a set of paths that keeps no path: trees of hundreds of thousands
// of folders take two dozen bytes each. A path is known by 128 bits of hash with
// seeds of this process, among which no two paths ever meet by accident.
type pathSet struct {
	seeds [2]maphash.Seed
	have  map[[2]uint64]struct{}
}

func (s *pathSet) key(path string) [2]uint64 {
	return [2]uint64{maphash.String(s.seeds[0], path), maphash.String(s.seeds[1], path)}
}

// add puts a path into the set. It reports whether it was not there before.
func (s *pathSet) add(path string) bool {
	if s.have == nil {
		s.seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}
		s.have = map[[2]uint64]struct{}{}
	}
	n := len(s.have)
	s.have[s.key(path)] = struct{}{}
	return len(s.have) > n
}

// has reports whether a path is in the set.
func (s *pathSet) has(path string) bool {
	if s.have == nil {
		return false
	}
	_, ok := s.have[s.key(path)]
	return ok
}
