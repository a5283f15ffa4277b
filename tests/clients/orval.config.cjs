// The contract is the one that run.py names; see typescript/orval_fetch.ts for `mutator`.
module.exports = {
  age: {
    input: process.env.AGE_CONTRACT,
    output: {
      target: 'generated/orval/age.ts',
      client: 'fetch',
      override: { mutator: { path: 'typescript/orval_fetch.ts', name: 'orvalFetch' } },
    },
  },
};
