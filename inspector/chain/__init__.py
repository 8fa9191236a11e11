"""Join the hops: which tunnel the API proxy opened for which call, and who answered the call.

What is inside a tunnel cannot be read here.  A tunnel is joined with a call by the times at
which it was opened and closed, by the number of bytes that passed, and by who wrote the
answer's headers.  Each link states its confidence and its reasons.

The steps, one module each: `rows` extracts the numbers that matter; `clustering` groups calls
and tunnels that can be confused with each other; `evidence` prices each pair; `order` finds the
cheapest assignment that keeps the order; `explanation` improves it with retries and exchanges;
`verdict` turns prices into a confidence.

**A worked example: two calls and three tunnels** (tests/chain/test_worked_example.py).  Times
are in ms.  Request A is whole at 0 and its answer ends at 300; B is whole at 2 and ends at 200.
The API proxy opens t1 at 5 (last byte at 299), t2 at 7 (199) and t3 at 120 (150).

1. *Cluster.*  A and B wait at the same time, and all three tunnels are opened meanwhile, so the
   five are looked at together.
2. *Price.*  A with t1 costs 0.08: their ends are 1 ms apart, 0.2 ms are allowed with two calls in
   flight, and 10 ms cost 1.  B with t1 costs 4: the ends are 99 ms apart, which is capped.  Every
   tunnel that was over before an answer began may also have been an earlier attempt of that
   call, which costs 2::

               t1      t2      t3
       A     0.08    2.00    2.00
       B     4.00    0.08    2.00

3. *Order.*  A tunnel that is nobody's costs 3, a call without its tunnel 12.  A-t1, B-t2 and t3
   alone cost 0.08 + 0.08 + 3 = 3.16.  The next best explanation gives one of the calls t3 and
   leaves its tunnel alone: 0.08 + 2 + 3 = 5.08.  So the margin of either link is 1.92.
4. *Verdict.*  Confidence is 0.5 + 0.45 * (1 - exp(-1.92 / 2.5)) = 0.74: below 0.8, so the links are
   reported and not relied on.  Without t3 no other explanation is near, and it is 0.95.
"""
