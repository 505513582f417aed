// Names for what the contract (coordinator/http/openapi.yaml) describes; schema.d.ts is made from
// it.
import type { components } from './schema';

type Schemas = components['schemas'];
export type SagaStatus = Schemas['SagaStatus'];
export type SagaRow = Schemas['SagaRow'];
export type SagaPage = Schemas['SagaPage'];
export type Saga = Schemas['Saga'];
export type SagaEvent = Schemas['SagaEvent'];
export type Step = Schemas['Step'];
export type History = Schemas['History'];
export type HistoryRecord = Schemas['HistoryRecord'];
export type HistoryRun = History['runs'][number];
export type Graph = Schemas['Graph'];
export type GraphNode = Graph['nodes'][number];
export type GraphEdge = Graph['edges'][number];
export type Mark = NonNullable<GraphNode['mark']>;
export type Verb = Schemas['Verb'];
export type Ordered = Schemas['Ordered'];
export type Resolution = Schemas['Resolution'];
export type DefinitionRow = Schemas['DefinitionRow'];
export type DefinitionPage = Schemas['DefinitionPage'];
export type Definition = Schemas['Definition'];
export type Finding = Schemas['Finding'];
export type Checked = Schemas['Checked'];
export type Deployed = Schemas['Deployed'];
export type Figures = Schemas['Figures'];
export type Durations = Schemas['Durations'];
export type Job = Schemas['Job'];
export type Jobs = Schemas['Jobs'];
export type JobVerb = Schemas['JobVerb'];
export type WhatIf = Schemas['WhatIf'];
export type WhatIfClass = Schemas['WhatIfClass'];
export type WhatIfExample = WhatIfGroup['examples'][number];
export type WhatIfGroup = Schemas['WhatIfGroup'];
export type WhatIfLine = Schemas['WhatIfLine'];
export type WhatIfSide = Schemas['WhatIfSide'];
export type DryRun = Schemas['DryRun'];
export type Operation = Schemas['Operation'];
export type OperationPage = Schemas['OperationPage'];
export type Changes = Schemas['Changes'];
export type Letter = Schemas['Letter'];
export type LetterPage = Schemas['LetterPage'];
export type FullLetter = Schemas['FullLetter'];
export type Bytes = Schemas['Bytes'];
export type Counts = Schemas['Counts'];
export type Topology = Schemas['Topology'];
export type Lane = Schemas['Lane'];
export type Me = Schemas['Me'];
export type Role = Schemas['Role'];
export type Started = Schemas['Started'];

export const statuses: SagaStatus[] = [
  'running',
  'compensating',
  'stuck',
  'completed',
  'compensated',
  'abandoned',
];
export const open: SagaStatus[] = ['running', 'compensating', 'stuck'];
