// Who looks, and what they may do. The server decides; the view only does not offer what would be
// refused.
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Me, Role } from './api/types';

const ranks: Role[] = ['viewer', 'operator', 'deployer'];

export const MeContext = createContext<Me | undefined>(undefined);

export function useMay(role: Role): boolean {
  const me = useContext(MeContext);
  return me ? me.roles.some((mine) => ranks.indexOf(mine) >= ranks.indexOf(role)) : false;
}
